//! What `findings`, `decisions` and `dead-letters` share: records of a host's log by pages, of the host or of the store that it left behind,
//! and on as they are committed.

pub(crate) mod dead_letters;
pub(crate) mod decisions;
pub(crate) mod findings;

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_api::{Client, ClientError};
use countersign_configuration::Configuration;
use countersign_daemon::{MAX_PAGE, Page, Paging, has_host, page, store_of};
use countersign_document::MAX_INTEGER;
use countersign_model::{Account, DecisionKind, RuleId, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::configuration::ConfigurationArguments;
use crate::exit::Exit;
use crate::follow::Follower;
use crate::out::Out;
use crate::recorded::parse_since;
use crate::stderr;
use crate::storage::open_store;
use crate::table::{Cell, Table};
use crate::text;

/// How long a host is asked to wait for more.
const WAIT: &str = "30s";

/// The options of a command that lists records of a host's log.
#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    /// Go on with what is committed from now on, or from --after or --since on, until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// Begin after the record of this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// List at most so many
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// List only what is about events at or after this time, such as `2026-03-02T09:00:00Z`, or so long ago, such as `24h`
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<Timestamp>,
    /// List only what came of this rule: `publisher/name`
    #[arg(long, value_name = "RULE")]
    rule: Option<RuleId>,
    /// List only what is about this account: `provider:tenant:subject`
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<Account>,
    /// Print NDJSON: the records as the log has them
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    configuration: ConfigurationArguments,
}

/// A type of record, and how it is shown.
pub(crate) struct Listing {
    /// Its type.
    pub(crate) r#type: &'static str,
    /// Where a host has it.
    pub(crate) endpoint: &'static str,
    /// The titles of its table.
    pub(crate) titles: &'static [&'static str],
    /// The row of a record.
    pub(crate) row: fn(&Value) -> Vec<Cell>,
}

impl LogArguments {
    /// Lists records, of decisions those of a kind.
    ///
    /// # Errors
    /// When the host refuses, or there is none and its store can't be read.
    pub(crate) fn list(self, out: &mut Out, listing: &Listing, decision: Option<DecisionKind>) -> Result<Exit> {
        let configuration = self.configuration.find()?;
        let mut paging = Paging {
            after: self.after,
            limit: MAX_PAGE,
            rule: self.rule.as_ref().map(ToString::to_string),
            account: self.account.as_ref().map(ToString::to_string),
            decision,
            since: self.since,
        };
        let mut left = self.limit.unwrap_or(u64::MAX);
        if self.follow && self.after.is_none() && self.since.is_none() {
            paging.after = match self.end(&configuration, listing) {
                Ok(end) => Some(end),
                Err(error) => return Err(self.refused_or(error)),
            };
        }
        let mut follower = self.follow.then(|| Follower::new(&configuration));
        let mut reading =
            Reading { client: Client::new(&configuration.api.socket.value), configuration, is_said: false };
        let mut is_first = true;
        while left > 0 {
            paging.limit = usize::try_from(left).unwrap_or(MAX_PAGE).min(MAX_PAGE);
            let read = match &mut follower {
                Some(follower) => follower.get(&path(listing, &paging, Some(WAIT)))?,
                None => match reading.page(listing, &paging) {
                    Ok(page) => page,
                    Err(error) => return Err(self.refused_or(error)),
                },
            };
            left -= read.items.len() as u64;
            self.print(out, listing, &read.items, &mut is_first)?;
            if out.is_closed() {
                break;
            }
            if let (Some(after), true) = (paging.after, self.follow)
                && read.next < after
            {
                stderr::warning(format_args!(
                    "the log ends at record {}, before {after}, where this one was: it is another one now",
                    read.next
                ));
            }
            // A page with fewer than it may have, or none, needn't be the last.
            if read.next == paging.after.unwrap_or_default() && !self.follow {
                break;
            }
            paging.after = Some(read.next);
        }
        if is_first && !self.json && !self.follow {
            stderr::note("nothing of that is on record");
        }
        Ok(Exit::Done)
    }

    /// The number of the last record.
    fn end(&self, configuration: &Configuration, listing: &Listing) -> Result<u64> {
        let client = Client::new(&configuration.api.socket.value);
        let mut reading = Reading { client, configuration: configuration.clone(), is_said: true };
        let past = u64::try_from(MAX_INTEGER).unwrap_or_default();
        Ok(reading.page(listing, &Paging { after: Some(past), limit: 1, ..Paging::default() })?.next)
    }

    /// The error of a host that refuses, or of there being none; any other one stays what it is.
    fn refused_or(&self, error: anyhow::Error) -> anyhow::Error {
        error.downcast::<ClientError>().map_or_else(|error| error, |error| self.configuration.refused(&error))
    }

    fn print(&self, out: &mut Out, listing: &Listing, items: &[Box<RawValue>], is_first: &mut bool) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        if self.json {
            items.iter().try_for_each(|item| out.json(item))?;
        } else {
            let mut table = Table::with_titles(out, listing.titles.iter().copied()).right(0);
            for item in items {
                table.cells((listing.row)(&serde_json::from_str(item.get())?));
            }
            let text = if std::mem::take(is_first) { table.text("") } else { table.rows() };
            write!(out, "{text}")?;
        }
        out.flush()?;
        Ok(())
    }
}

/// Reads pages of a host, or of what it left behind.
struct Reading {
    client: Client,
    configuration: Configuration,
    /// Whether it was said that no host serves.
    is_said: bool,
}

impl Reading {
    fn page(&mut self, listing: &Listing, paging: &Paging) -> Result<Page> {
        match self.client.get(&path(listing, paging, None)) {
            Ok(page) => Ok(page),
            Err(ClientError::NoHost(_)) if has_host(&self.configuration.state.value) => {
                let path = store_of(&self.configuration.state.value);
                let store = open_store(&path)?;
                if !std::mem::replace(&mut self.is_said, true) {
                    stderr::note(format_args!("no host serves: this is what `{}` has", text::path(&path)));
                }
                Ok(page(&store, listing.r#type, paging)?)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Where a page is asked for.
fn path(listing: &Listing, paging: &Paging, wait: Option<&str>) -> String {
    let Paging { after, limit, rule, account, decision, since } = paging;
    let mut path = format!("{}?limit={limit}", listing.endpoint);
    let members = [
        ("after", after.map(|after| after.to_string())),
        ("rule", rule.clone()),
        ("account", account.clone()),
        ("decision", decision.map(|kind| kind.id().to_owned())),
        ("since", since.map(|since| since.to_string())),
        ("wait", wait.map(str::to_owned)),
    ];
    for (member, value) in members {
        if let Some(value) = value {
            path += &format!("&{member}={}", encoded(&value));
        }
    }
    path
}

/// A text as a query has it (RFC 3986).
pub(crate) fn encoded(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

/// The text at one of these places of a record; empty if there is none.
pub(crate) fn shown<'r>(record: &'r Value, pointers: &[&str]) -> &'r str {
    pointers.iter().find_map(|pointer| record.pointer(pointer)?.as_str()).unwrap_or_default()
}

/// The number at a place of a record.
pub(crate) fn number(record: &Value, pointer: &str) -> String {
    record.pointer(pointer).and_then(Value::as_u64).map(text::number).unwrap_or_default()
}
