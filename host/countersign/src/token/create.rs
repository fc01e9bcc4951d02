//! `countersign token create`: makes a token.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use countersign_api::{Client, ClientError, DEFAULT, IssuedToken, Scope};
use countersign_model::time::{format_duration, parse_duration};
use serde_json::json;

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::stderr;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign token create --source trail --config conf/countersign.toml > trail.token
      a token for whoever sends the records of the source `trail`
  countersign token create --viewer --expires 7d --state /var/lib/countersign
      a token for whoever looks, for a week
  curl --cacert certificate.pem -H \"Authorization: Bearer $(cat trail.token)\" \\
       --data-binary @logs.ndjson https://host:8443/v1/sources/trail/events

Standard output has the token and nothing else. It is shown once: a digest of it is kept. A token identifies
nobody: nothing can be applied, rolled back, planned or reloaded with one.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// For sending the records of this source, and nothing else
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "viewer")]
    source: Option<String>,
    /// For looking: everything that `GET` answers
    #[arg(long)]
    viewer: bool,
    /// How long it is valid, at most 366 days [default: 90d]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires: Option<i64>,
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        if self.source.is_none() && !self.viewer {
            return Err(unusable(self.scopes()));
        }
        let configuration = self.configuration.find()?;
        let expires = self.expires.unwrap_or(DEFAULT);
        let wanted = match &self.source {
            Some(source) => json!({ "source": source, "expires": format_duration(expires) }),
            None => json!({ "viewer": true, "expires": format_duration(expires) }),
        };
        let issued = match Client::new(&configuration.api.socket.value).post::<IssuedToken>("/v1/tokens", &wanted) {
            Ok(issued) => issued,
            Err(ClientError::NoHost(_)) => {
                let scope = self.source.map_or(Scope::Viewer, |name| Scope::Source(name.as_str().into()));
                let made =
                    super::left_behind(&configuration)?.create(scope, expires, &super::whoever()).map_err(unusable)?;
                IssuedToken::of(&made)
            }
            Err(error) => return Err(self.configuration.refused(&error)),
        };
        if self.json {
            out.json(&issued)?;
        } else {
            writeln!(out, "{}", text::line(&issued.token))?;
            let listed = &issued.listed;
            stderr::note(format_args!("token {} is valid until {}", text::line(&listed.id), listed.expires));
        }
        Ok(Exit::Done)
    }

    /// What a token may be for, with an example of each.
    fn scopes(&self) -> String {
        let (source, viewer) = ("token create --source trail", "token create --viewer");
        let [source, viewer] = [source, viewer].map(|words| self.configuration.command(words));
        format!(
            "expected what the token is for, got nothing. It is one of:\n\
             `--source NAME`, to send the records of this source: {source}\n\
             `--viewer`, to look, at all that `GET` answers: {viewer}\n\
             how long it is valid says `--expires`, such as `--expires 30d`"
        )
    }
}
