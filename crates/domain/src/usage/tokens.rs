//! How much went in and came out of a model.
use crate::billing::OutOfRange;

/// Tokens in classes that do not overlap: each token is counted, and paid, once.
///
/// Providers count differently: `OpenAI`'s cached tokens are part of the input, Anthropic's are
/// beside it. Whoever reads a provider's answer takes them apart first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Read for the first time.
    pub input: u64,
    /// Read from the provider's cache.
    pub cached_input: u64,
    /// Written to the provider's cache.
    pub cache_write: u64,
    /// Written to the caller.
    pub output: u64,
    /// Written by the model to itself.
    pub reasoning: u64,
}

impl TokenCounts {
    /// All of them.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when the sum does not fit.
    pub fn total(&self) -> Result<u64, OutOfRange> {
        [self.cached_input, self.cache_write, self.output, self.reasoning]
            .into_iter()
            .try_fold(self.input, u64::checked_add)
            .ok_or(OutOfRange)
    }

    /// The sum, class by class.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when one of them does not fit.
    pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
        let sum = |left: u64, right| left.checked_add(right).ok_or(OutOfRange);
        Ok(Self {
            input: sum(self.input, other.input)?,
            cached_input: sum(self.cached_input, other.cached_input)?,
            cache_write: sum(self.cache_write, other.cache_write)?,
            output: sum(self.output, other.output)?,
            reasoning: sum(self.reasoning, other.reasoning)?,
        })
    }

    /// All that went in.
    #[must_use]
    pub const fn total_input(&self) -> u64 {
        self.input.saturating_add(self.cached_input).saturating_add(self.cache_write)
    }

    /// All that came out.
    #[must_use]
    pub const fn total_output(&self) -> u64 {
        self.output.saturating_add(self.reasoning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_counted_once_and_too_many_are_an_error() {
        let counts =
            TokenCounts { input: 1, cached_input: 2, cache_write: 4, output: 8, reasoning: 16 };
        assert_eq!(counts.total(), Ok(31));
        assert_eq!((counts.total_input(), counts.total_output()), (7, 24));
        assert_eq!(TokenCounts { input: u64::MAX, ..counts }.total(), Err(OutOfRange));
    }

    #[test]
    fn classes_are_added_up_apart_from_each_other() {
        let counts =
            TokenCounts { input: 1, cached_input: 2, cache_write: 4, output: 8, reasoning: 16 };
        let twice =
            TokenCounts { input: 2, cached_input: 4, cache_write: 8, output: 16, reasoning: 32 };
        assert_eq!(counts.plus(counts), Ok(twice));
        let most = TokenCounts { reasoning: u64::MAX, ..counts };
        assert_eq!(counts.plus(most), Err(OutOfRange));
    }
}
