//! The least that shows a profile: a route of actix-web that asks sqlx for a user and its profile by
//! the user's id, with the platform's own statement, and answers with the same document.
//!
//! What is *not* here, and is what the platform does beyond it: knowing who asks and whether they
//! may, rules on what is read, and everything around a request.
use std::{env, net::SocketAddr};

use actix_web::{
    App, HttpServer,
    error::{ErrorInternalServerError, ErrorNotFound},
    get, rt,
    web::{Data, Json, Path},
};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{
    PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use uuid::Uuid;

use crate::{connection::Target, place::Place, platform::address, process::Process};

const PROFILE: &str = "SELECT users.id, users.email, users.password, users.user_type, \
    users.verified_at, users.deactivated_at, users.operator, users.created_at, users.version, \
    profiles.user_id, profiles.full_name, profiles.company, profiles.updated_at \
    FROM users INNER JOIN profiles ON users.id = profiles.user_id WHERE users.id = $1";
/// As many connections as the platform reads with.
const CONNECTIONS: u32 = 8;

type Time = DateTime<Utc>;
/// What the statement finds: the user's columns, and then the profile's.
#[rustfmt::skip]
type Row = (
    Uuid, String, String, String, Option<Time>, Option<Time>, bool, Time, i64,
    Uuid, Option<String>, Option<String>, Time,
);

/// The bare route, in a process of its own.
pub struct Bare {
    address: SocketAddr,
    _process: Process,
}

impl Bare {
    /// Starts it, on the platform's database.
    pub fn start(place: &Place) -> anyhow::Result<Self> {
        let (program, url) = (env::current_exe()?, place.platform_url());
        let args = ["bare", url.as_str()];
        let (process, url) = Process::start(&program, &args, &[], place.directory(), "bare at ")
            .context("the bare route")?;
        Ok(Self { address: address(&url)?, _process: process })
    }

    /// The question for somebody's profile.
    pub fn profile(&self, user: Uuid, bearer: &str) -> Target {
        Target::get(self.address, &format!("/profile/{}", user.simple()), bearer)
    }
}

/// Serves until it is ended.
#[expect(clippy::print_stdout, reason = "whoever started it waits for the address")]
pub fn serve(url: &str) -> anyhow::Result<()> {
    rt::System::new().block_on(async {
        let rows = Data::new(Rows::connect(url).await?);
        let server = HttpServer::new(move || App::new().app_data(rows.clone()).service(profile))
            .bind("127.0.0.1:0")?;
        let address = server.addrs().first().copied().context("no address")?;
        println!("bare at http://{address}");
        Ok(server.run().await?)
    })
}

/// The one database or the other.
enum Rows {
    File(SqlitePool),
    Server(PgPool),
}

impl Rows {
    async fn connect(url: &str) -> anyhow::Result<Self> {
        if url.starts_with("sqlite:") {
            let file: SqliteConnectOptions = url.parse()?;
            let pool = SqlitePoolOptions::new()
                .max_connections(CONNECTIONS)
                .test_before_acquire(false)
                .connect_with(file.pragma("query_only", "on"));
            return Ok(Self::File(pool.await?));
        }
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
        Ok(Self::Server(pool.connect(url).await?))
    }

    async fn find(&self, user: Uuid) -> sqlx::Result<Option<Row>> {
        match self {
            Self::File(file) => sqlx::query_as(PROFILE).bind(user).fetch_optional(file).await,
            Self::Server(server) => sqlx::query_as(PROFILE).bind(user).fetch_optional(server).await,
        }
    }
}

#[get("/profile/{id}")]
async fn profile(id: Path<Uuid>, rows: Data<Rows>) -> Result<Json<Value>, actix_web::Error> {
    let found = rows.find(*id).await.map_err(ErrorInternalServerError)?;
    let found = found.ok_or_else(|| ErrorNotFound("nobody"))?;
    let (id, email, _, user_type, verified_at, _, _, created_at, ..) = found;
    let (.., full_name, company, updated_at) = found;
    Ok(Json(json!({
        "user": {
            "id": format!("usr_{}", id.simple()),
            "email": email,
            "user_type": user_type,
            "is_verified": verified_at.is_some(),
            "created_at": created_at,
        },
        "profile": { "full_name": full_name, "company": company, "updated_at": updated_at },
    })))
}
