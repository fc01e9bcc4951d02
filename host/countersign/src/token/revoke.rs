//! `countersign token revoke`: ends a token.

use anyhow::Result;
use clap::Args;
use countersign_api::{Client, ClientError};
use serde_json::{Value, json};

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Its id, as `token list` shows it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    configuration: ConfigurationArguments,
}

impl Arguments {
    pub(super) fn run(self, _out: &mut Out) -> Result<Exit> {
        // Not by the parser of arguments, which repeats what it refuses: it may be the token itself.
        if self.id.len() != 12 || !self.id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(unusable("expected the id of a token, 12 of 0-9 and a-f, got something else"));
        }
        let configuration = self.configuration.find()?;
        let path = format!("/v1/tokens/{}/revoke", self.id);
        match Client::new(&configuration.api.socket.value).post::<Value>(&path, &json!({})) {
            Ok(_) => Ok(Exit::Done),
            Err(ClientError::NoHost(_)) => {
                if super::left_behind(&configuration)?.revoke(&self.id, &super::whoever()).map_err(unusable)? {
                    return Ok(Exit::Done);
                }
                let why = "expected the id of a token, got another: see `countersign token list`";
                Err(anyhow::anyhow!(self.configuration.complete(why)))
            }
            Err(error) => Err(self.configuration.refused(&error)),
        }
    }
}
