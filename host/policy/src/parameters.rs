//! What the operator sets for a rule's parameters, held against the rule's declaration.

use countersign_declaration::{Declaration, ParameterDeclaration, ParameterRange};
use countersign_model::call::Parameter;
use countersign_model::time::{format_duration, parse_duration};

use crate::fault::{Fault, did_you_mean};
use crate::policy::{ParameterSetting, Policy};

impl Policy {
    /// A rule's parameters in declared order: what the operator set, else the declared default.
    ///
    /// # Errors
    /// Everything wrong with what the operator set: unknown names, wrong types, values out of range.
    pub fn parameters(&self, declaration: &Declaration) -> Result<Vec<Parameter>, Vec<Fault>> {
        let Some(settings) = self.rule(&declaration.id) else {
            return Ok(declaration.parameters.iter().map(|parameter| parameter.default.clone()).collect());
        };
        let place = |name: &str| format!("rule.\"{}\".parameters.{name}", declaration.id);
        let mut faults = Vec::new();
        for name in settings.parameters.keys() {
            if !declaration.parameters.iter().any(|parameter| parameter.name == *name) {
                let hint = did_you_mean(name, declaration.parameters.iter().map(|parameter| parameter.name.as_str()));
                faults.push(Fault {
                    line: None,
                    place: place(name),
                    expected: format!("a parameter of `{}`", declaration.id),
                    got: format!("`{name}`"),
                    hint,
                });
            }
        }
        let mut values = Vec::with_capacity(declaration.parameters.len());
        for parameter in &declaration.parameters {
            match settings.parameters.get(&parameter.name) {
                None => values.push(parameter.default.clone()),
                Some(setting) => match value(setting, parameter) {
                    Some(value) => values.push(value),
                    None => faults.push(Fault {
                        line: None,
                        place: place(&parameter.name),
                        expected: expected(&parameter.range),
                        got: shown(setting),
                        hint: None,
                    }),
                },
            }
        }
        if faults.is_empty() { Ok(values) } else { Err(faults) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a whole number written for a decimal is meant as one")]
fn value(setting: &ParameterSetting, parameter: &ParameterDeclaration) -> Option<Parameter> {
    match (&parameter.range, setting) {
        (ParameterRange::Boolean, ParameterSetting::Boolean(value)) => Some(Parameter::Boolean(*value)),
        (ParameterRange::Integer { min, max }, ParameterSetting::Integer(value)) => {
            (min..=max).contains(&value).then_some(Parameter::Integer(*value))
        }
        (ParameterRange::Decimal { min, max }, ParameterSetting::Decimal(value)) => {
            (min..=max).contains(&value).then_some(Parameter::Decimal(*value))
        }
        (ParameterRange::Decimal { min, max }, ParameterSetting::Integer(value)) => {
            let value = *value as f64;
            (*min..=*max).contains(&value).then_some(Parameter::Decimal(value))
        }
        (ParameterRange::Text { max_bytes }, ParameterSetting::Text(text)) => {
            (text.len() <= *max_bytes as usize).then(|| Parameter::Text(text.clone()))
        }
        (ParameterRange::TextList { max_items }, ParameterSetting::TextList(items)) => {
            (items.len() <= *max_items as usize).then(|| Parameter::TextList(items.clone()))
        }
        (ParameterRange::Duration { min, max }, ParameterSetting::Text(text)) => {
            parse_duration(text).ok().filter(|micros| (min..=max).contains(&micros)).map(Parameter::Duration)
        }
        _ => None,
    }
}

fn expected(range: &ParameterRange) -> String {
    match range {
        ParameterRange::Boolean => "`true` or `false`".to_owned(),
        ParameterRange::Integer { min, max } => format!("a whole number {min} to {max}"),
        ParameterRange::Decimal { min, max } => format!("a number {min} to {max}"),
        ParameterRange::Text { max_bytes } => format!("text of at most {max_bytes} bytes"),
        ParameterRange::TextList { max_items } => format!("a list of at most {max_items} texts"),
        ParameterRange::Duration { min, max } => {
            format!("a duration such as `15m`, `{}` to `{}`", format_duration(*min), format_duration(*max))
        }
    }
}

fn shown(setting: &ParameterSetting) -> String {
    match setting {
        ParameterSetting::Boolean(value) => format!("`{value}`"),
        ParameterSetting::Integer(value) => format!("`{value}`"),
        ParameterSetting::Decimal(value) => format!("`{value}`"),
        ParameterSetting::Text(text) => format!("`{}`", text.chars().take(80).collect::<String>()),
        ParameterSetting::TextList(items) => format!("a list of {}", items.len()),
    }
}
