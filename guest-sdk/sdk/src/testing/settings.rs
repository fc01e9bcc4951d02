//! The parameters of a rule under test: the declared defaults, and what a test sets instead.

use super::row::Value;
use crate::bindings::{detect, respond};
use crate::parameters::ParameterDefault;
use crate::rule::Rule;

/// A parameter's value, of either world.
#[derive(Clone, Debug)]
enum Setting {
    Boolean(bool),
    Integer(i64),
    Decimal(f64),
    Text(String),
    TextList(Vec<String>),
    Duration(i64),
}

/// The values of all declared parameters, in declared order.
#[derive(Clone, Debug)]
pub(super) struct Settings(Vec<Setting>);

macro_rules! lower {
    ($name:ident, $world:ident) => {
        pub(super) fn $name(&self) -> Vec<$world::Parameter> {
            let lower = |setting: &Setting| match setting.clone() {
                Setting::Boolean(value) => $world::Parameter::Boolean(value),
                Setting::Integer(value) => $world::Parameter::Integer(value),
                Setting::Decimal(value) => $world::Parameter::Decimal(value),
                Setting::Text(value) => $world::Parameter::Text(value),
                Setting::TextList(value) => $world::Parameter::TextList(value),
                Setting::Duration(value) => $world::Parameter::Duration(value),
            };
            self.0.iter().map(lower).collect()
        }
    };
}

impl Settings {
    lower!(for_detection, detect);
    lower!(for_response, respond);

    /// The declared defaults.
    pub(super) fn defaults<R: Rule>() -> Self {
        let setting = |default: ParameterDefault| match default {
            ParameterDefault::Boolean(value) => Setting::Boolean(value),
            ParameterDefault::Integer(value) => Setting::Integer(value),
            ParameterDefault::Decimal(value) => Setting::Decimal(value),
            ParameterDefault::Text(value) => Setting::Text(value.to_owned()),
            ParameterDefault::TextList(values) => {
                Setting::TextList(values.iter().map(|value| (*value).to_owned()).collect())
            }
            ParameterDefault::Duration(value) => Setting::Duration(value),
        };
        Settings(R::PARAMETERS.iter().map(|parameter| setting(parameter.default)).collect())
    }

    #[expect(clippy::panic, reason = "for tests")]
    pub(super) fn set<R: Rule>(&mut self, name: &str, value: Value) {
        let declared = R::PARAMETERS.iter().position(|parameter| parameter.name == name);
        let Some(setting) = declared.and_then(|index| self.0.get_mut(index)) else {
            panic!("the parameter `{name}` is not declared by this rule");
        };
        *setting = match (&*setting, value) {
            (Setting::Boolean(_), Value::Boolean(value)) => Setting::Boolean(value),
            (Setting::Integer(_), Value::Signed(value)) => Setting::Integer(value),
            (Setting::Decimal(_), Value::Float(value)) => Setting::Decimal(value),
            (Setting::Text(_), Value::Text(value)) => Setting::Text(value),
            (Setting::TextList(_), Value::TextList(value)) => Setting::TextList(value),
            (Setting::Duration(_), Value::Signed(value)) => Setting::Duration(value),
            (declared, value) => panic!("the parameter `{name}` is {declared:?} by default, got {value:?}"),
        };
    }
}
