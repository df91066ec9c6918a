//! In what those who speak as `OpenAI` does differ from it.

/// How a server wants to be spoken to.
///
/// What a server does not take it refuses itself; only what it would misunderstand, and what is
/// sent without being asked for, stands here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAiDialect {
    /// Where the key goes. A key that is empty goes nowhere.
    pub key: KeyPlace,
    /// Where models are found.
    pub path: ModelPath,
    /// The version of the interface, which some want to stand in the address.
    pub api_version: Option<String>,
    /// The name of the bound on the output.
    pub output_bound: OutputBound,
    /// The name of the seed.
    pub seed: SeedName,
    /// Whether a stream has to be asked for its usage. Who tells it unasked may not know the
    /// option.
    pub usage_on_request: bool,
    /// Whether thoughts are told back, as `reasoning_content`.
    pub takes_thoughts: bool,
}

/// Where a key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// Into `authorization`, as bearer.
    Bearer,
    /// Into `api-key`.
    ApiKey,
}

/// Where models are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelPath {
    /// All of them at one address.
    Shared,
    /// Each at its own, below `deployments`.
    Deployments,
}

/// The name of the bound on the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputBound {
    /// `max_completion_tokens`, the present one.
    MaxCompletionTokens,
    /// `max_tokens`, the old one.
    MaxTokens,
}

/// The name of the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedName {
    /// `seed`.
    Seed,
    /// `random_seed`.
    RandomSeed,
}

impl Default for OpenAiDialect {
    fn default() -> Self {
        Self::openai()
    }
}

impl OpenAiDialect {
    /// `OpenAI` itself. The bound goes by its present name, which every model takes; the old one
    /// is refused by those that reason. What was thought is not wanted back. It is also what
    /// Azure speaks below `/openai/v1`.
    #[must_use]
    pub const fn openai() -> Self {
        Self {
            key: KeyPlace::Bearer,
            path: ModelPath::Shared,
            api_version: None,
            output_bound: OutputBound::MaxCompletionTokens,
            seed: SeedName::Seed,
            usage_on_request: true,
            takes_thoughts: false,
        }
    }

    /// Azure's deployments, below `https://….openai.azure.com/openai`, in a version such as
    /// `2024-10-21`. What a model is called there is the name of its deployment.
    #[must_use]
    pub fn azure(api_version: impl Into<String>) -> Self {
        Self {
            key: KeyPlace::ApiKey,
            path: ModelPath::Deployments,
            api_version: Some(api_version.into()),
            ..Self::openai()
        }
    }

    /// vLLM, Ollama, `DeepSeek`, Groq and most others: the old name of the bound is known to all
    /// of them, and those whose models show what they think want it back.
    #[must_use]
    pub fn compatible() -> Self {
        Self { output_bound: OutputBound::MaxTokens, takes_thoughts: true, ..Self::openai() }
    }

    /// Mistral, which refuses what it does not know.
    #[must_use]
    pub fn mistral() -> Self {
        Self {
            output_bound: OutputBound::MaxTokens,
            seed: SeedName::RandomSeed,
            usage_on_request: false,
            ..Self::openai()
        }
    }
}
