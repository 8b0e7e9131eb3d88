//! The flags of a model behind an OpenAI-compatible server.

use crate::failure::Failure;
use crate::numbers::{self, check_flag};
use azr_benchmarks::Profile;
use azr_benchmarks::remote::{Interface, RemoteConfig, RemoteModel};
use azr_selfplay::config::ranges::Given;
use std::sync::Arc;

/// Arguments for a server.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Models behind a server")]
pub struct Args {
    /// Name of the model on the server [default: the first that it lists].
    #[arg(long, value_name = "NAME")]
    pub served_name: Option<String>,
    /// Ask with /chat/completions, the prompt as the user's turn, instead of /completions.
    #[arg(long)]
    pub chat: bool,
    /// Requests at once, at least 1.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub concurrency: usize,
    /// Tries of one request, at least 1.
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub tries: u32,
    /// Requests a minute at most.
    #[arg(long, value_name = "N")]
    pub requests_per_minute: Option<u32>,
    /// Environment variable that holds the key of the server.
    #[arg(long, value_name = "NAME", default_value = "OPENAI_API_KEY")]
    pub key_variable: String,
}

/// Is this the address of a server?
pub fn is_address(model: &str) -> bool {
    model.starts_with("http://") || model.starts_with("https://")
}

/// Chat without a template of ours: the user's turn alone, the server adds its own.
pub fn chat_profile() -> Profile {
    Profile::Chat(Arc::new(|user: &str, _begun: &str| user.to_owned()))
}

impl Args {
    /// Reaches the server.
    pub fn open(&self, url: &str) -> anyhow::Result<RemoteModel> {
        for (flag, count) in [
            ("--concurrency", self.concurrency as i128),
            ("--tries", i128::from(self.tries)),
            ("--requests-per-minute", i128::from(self.requests_per_minute.unwrap_or(1))),
        ] {
            check_flag(flag, &numbers::ITEMS, &Given::Whole(count))?;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the key is given in the environment, so that no process list shows it"
        )]
        let key = std::env::var(&self.key_variable).ok().filter(|key| !key.is_empty());
        let interface = if self.chat { Interface::Chat } else { Interface::Completions };
        let config = RemoteConfig {
            model: self.served_name.clone(),
            key,
            concurrency: self.concurrency,
            tries: self.tries,
            requests_per_minute: self.requests_per_minute,
            ..RemoteConfig::new(url, interface)
        };
        RemoteModel::open(config).map_err(|error| {
            Failure::new(
                format!("cannot use the model at {url}: {error}"),
                "give the address up to the version, e.g. http://127.0.0.1:8000/v1, and --served-name if it lists none",
            )
            .into()
        })
    }
}
