//! Telemetry that a rule author names, and how values of it are shown.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_declaration::quoted;
use countersign_formats::Record;
use countersign_model::{Timestamp, Value};
use serde_json::json;

use crate::replay::inputs::{FILES_HELP, FormatName, Inputs, format_help, parse_format};

/// The files of a rule author's telemetry.
#[derive(Debug, Args)]
pub(super) struct Telemetry {
    #[arg(long, value_name = "FILE", num_args = 1.., help = FILES_HELP)]
    events: Vec<PathBuf>,
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = parse_format, help = format_help())]
    source: FormatName,
}

impl Telemetry {
    /// Whether any was named.
    pub(super) fn is_given(&self) -> bool {
        !self.events.is_empty()
    }

    /// The files' records, in one order.
    ///
    /// # Errors
    /// When a file can't be read: `Unusable`.
    pub(super) fn records(&self) -> Result<impl Iterator<Item = Record> + Send + use<>> {
        let inputs = Inputs::open(&self.events)?;
        let progress = inputs.progress();
        inputs.records(self.source, &progress)
    }
}

/// A field's value for people, on one line.
pub(super) fn shown(value: Option<&Value>) -> String {
    match value {
        None => "not there".to_owned(),
        Some(Value::WrongType) => "there, but of another type".to_owned(),
        Some(Value::Unsigned(number)) => number.to_string(),
        Some(Value::Signed(number)) => number.to_string(),
        Some(Value::Float(number)) => number.to_string(),
        Some(Value::Boolean(value)) => value.to_string(),
        Some(Value::Text(text) | Value::Json(text)) => quoted(text),
        Some(Value::TextList(items)) => items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "),
        Some(Value::Timestamp(micros)) => Timestamp(*micros).to_string(),
        Some(Value::Address(address)) => address.to_string(),
    }
}

/// A field's value as JSON: null where there is none, or one of another type.
pub(super) fn json(value: Option<&Value>) -> serde_json::Value {
    match value {
        None | Some(Value::WrongType) => serde_json::Value::Null,
        Some(Value::Unsigned(number)) => json!(number),
        Some(Value::Signed(number)) => json!(number),
        Some(Value::Float(number)) => json!(number),
        Some(Value::Boolean(value)) => json!(value),
        Some(Value::Text(text)) => json!(&**text),
        // A body that isn't JSON after all is shown as the text that it is.
        Some(Value::Json(text)) => serde_json::from_str(text).unwrap_or_else(|_| json!(&**text)),
        Some(Value::TextList(items)) => json!(items.iter().map(|item| &**item).collect::<Vec<_>>()),
        Some(Value::Timestamp(micros)) => json!(Timestamp(*micros).to_string()),
        Some(Value::Address(address)) => json!(address.to_string()),
    }
}
