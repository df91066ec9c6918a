//! Which calls a report is about, as the query says it.
use cape_domain::{
    time::Timestamp,
    usage::{CallFilter, GroupBy},
};
use chrono::{DateTime, SubsecRound as _, Utc};

use crate::{error::ApiError, extract::Fields};

/// A query with parameters of its own, and those that say which calls.
macro_rules! filtered_query {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $($(#[$own_doc:meta])* pub $own:ident: $kind:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            $($(#[$own_doc])* pub $own: $kind,)*
            /// Calls made with keys of this user alone: `usr_…`.
            pub user: Option<String>,
            /// Calls made with this key alone: `key_…`.
            pub key: Option<String>,
            /// Calls to this model alone, by the name of the catalogue.
            pub model: Option<String>,
            /// Calls to models of this provider alone.
            pub provider: Option<String>,
            /// Calls in this state alone: `running`, `settled` or `failed`.
            pub state: Option<String>,
            /// Calls admitted at this moment or later (RFC 3339).
            pub from: Option<String>,
            /// Calls admitted before this moment (RFC 3339).
            pub until: Option<String>,
        }

        impl $name {
            /// Which calls. What is wrong is noted.
            fn filter(&self, fields: &mut $crate::extract::Fields) -> cape_domain::usage::CallFilter {
                $crate::usage::reports::filter::Asked {
                    user: self.user.as_deref(),
                    key: self.key.as_deref(),
                    model: self.model.as_deref(),
                    provider: self.provider.as_deref(),
                    state: self.state.as_deref(),
                    from: self.from.as_deref(),
                    until: self.until.as_deref(),
                }
                .read(fields)
            }
        }
    };
}
pub(in crate::usage) use filtered_query;

/// Which calls, in the words of the query.
pub(in crate::usage) struct Asked<'a> {
    pub(in crate::usage) user: Option<&'a str>,
    pub(in crate::usage) key: Option<&'a str>,
    pub(in crate::usage) model: Option<&'a str>,
    pub(in crate::usage) provider: Option<&'a str>,
    pub(in crate::usage) state: Option<&'a str>,
    pub(in crate::usage) from: Option<&'a str>,
    pub(in crate::usage) until: Option<&'a str>,
}

impl Asked<'_> {
    pub(in crate::usage) fn read(self, fields: &mut Fields) -> CallFilter {
        CallFilter {
            user: fields.read_optional("user", self.user),
            key: fields.read_optional("key", self.key),
            model: self.model.map(str::to_owned),
            provider: fields.read_optional("provider", self.provider),
            state: fields.read_optional("state", self.state),
            from: self.from.and_then(|text| fields.accept("from", moment(text))),
            until: self.until.and_then(|text| fields.accept("until", moment(text))),
        }
    }
}

/// A text that is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a time such as 2026-11-21T05:00:00Z")]
struct InvalidTime;

/// A moment, to the microsecond.
fn moment(text: &str) -> Result<Timestamp, InvalidTime> {
    let read = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidTime)?;
    Ok(read.with_timezone(&Utc).trunc_subsecs(6))
}

/// A filter and a way to make groups, unless something was wrong.
pub(in crate::usage) fn grouped(
    mut fields: Fields,
    filter: CallFilter,
    by: Option<&str>,
) -> Result<(CallFilter, Option<GroupBy>), ApiError> {
    let by = fields.read_optional("group_by", by);
    fields.finish(Some((filter, by)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_any_zone_and_to_the_microsecond() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        for (text, expected) in [
            ("2026-11-21T05:00:00Z", Ok(at("2026-11-21T05:00:00Z"))),
            ("2026-11-21T07:00:00+02:00", Ok(at("2026-11-21T05:00:00Z"))),
            ("2026-11-21T05:00:00.123456999Z", Ok(at("2026-11-21T05:00:00.123456Z"))),
            ("2026-11-21", Err(InvalidTime)),
            ("2026-11-21T07:00:00 02:00", Err(InvalidTime)),
            ("1780000000", Err(InvalidTime)),
            ("", Err(InvalidTime)),
        ] {
            assert_eq!(moment(text), expected, "{text}");
        }
    }
}
