//! Parameters: positional values from the host, read into the rule's `Parameters` in declared order.

use crate::Duration;
use crate::bindings::{detect, respond};

/// A parameter's declared default; its variant is the declared type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterDefault {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Decimal(f64),
    /// Text.
    Text(&'static str),
    /// A list of texts.
    TextList(&'static [&'static str]),
    /// Microseconds.
    Duration(i64),
}

/// A parameter's value as the host passed it.
#[derive(Debug)]
enum Value<'a> {
    Boolean(bool),
    Integer(i64),
    Decimal(f64),
    Text(&'a str),
    TextList(&'a [String]),
    Duration(i64),
}

/// Reads the parameters of a call in declared order.
#[derive(Debug)]
pub struct Reader<'a> {
    values: std::vec::IntoIter<Value<'a>>,
}

/// Each world has its own type of parameters.
macro_rules! reader {
    ($name:ident, $world:ident) => {
        pub(crate) fn $name(values: &'a [$world::Parameter]) -> Self {
            let values: Vec<Value<'a>> = values
                .iter()
                .map(|value| match value {
                    $world::Parameter::Boolean(value) => Value::Boolean(*value),
                    $world::Parameter::Integer(value) => Value::Integer(*value),
                    $world::Parameter::Decimal(value) => Value::Decimal(*value),
                    $world::Parameter::Text(value) => Value::Text(value),
                    $world::Parameter::TextList(value) => Value::TextList(value),
                    $world::Parameter::Duration(value) => Value::Duration(*value),
                })
                .collect();
            Reader { values: values.into_iter() }
        }
    };
}

impl<'a> Reader<'a> {
    reader!(of_detection, detect);
    reader!(of_response, respond);

    /// The next parameter, which is declared as `boolean`.
    pub fn boolean(&mut self, name: &str) -> bool {
        match self.values.next() {
            Some(Value::Boolean(value)) => value,
            other => mismatch(name, "boolean", other.as_ref()),
        }
    }

    /// The next parameter, which is declared as `integer`.
    pub fn integer(&mut self, name: &str) -> i64 {
        match self.values.next() {
            Some(Value::Integer(value)) => value,
            other => mismatch(name, "integer", other.as_ref()),
        }
    }

    /// The next parameter, which is declared as `decimal`.
    pub fn decimal(&mut self, name: &str) -> f64 {
        match self.values.next() {
            Some(Value::Decimal(value)) => value,
            other => mismatch(name, "decimal", other.as_ref()),
        }
    }

    /// The next parameter, which is declared as `text`.
    pub fn text(&mut self, name: &str) -> &'a str {
        match self.values.next() {
            Some(Value::Text(value)) => value,
            other => mismatch(name, "text", other.as_ref()),
        }
    }

    /// The next parameter, which is declared as `text-list`.
    pub fn text_list(&mut self, name: &str) -> &'a [String] {
        match self.values.next() {
            Some(Value::TextList(value)) => value,
            other => mismatch(name, "text-list", other.as_ref()),
        }
    }

    /// The next parameter, which is declared as `duration`.
    pub fn duration(&mut self, name: &str) -> Duration {
        match self.values.next() {
            Some(Value::Duration(value)) => Duration::from_micros(value),
            other => mismatch(name, "duration", other.as_ref()),
        }
    }
}

#[cold]
#[inline(never)]
#[expect(clippy::panic, reason = "the host broke the contract: no answer can be right")]
fn mismatch(name: &str, expected: &str, got: Option<&Value<'_>>) -> ! {
    // Only the type: code that prints a float is larger than a whole rule.
    let got = match got {
        Some(Value::Boolean(_)) => "boolean",
        Some(Value::Integer(_)) => "integer",
        Some(Value::Decimal(_)) => "decimal",
        Some(Value::Text(_)) => "text",
        Some(Value::TextList(_)) => "text-list",
        Some(Value::Duration(_)) => "duration",
        None => "no more parameters",
    };
    panic!("parameter `{name}` breaks the contract: expected {expected}, got {got}")
}
