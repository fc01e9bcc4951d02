//! Patterns that pick what is shown.

use std::str::FromStr;

use countersign_model::Event;

use crate::summary::{account, operation};

/// Parts of a text, in any case, in this order.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Vec<String>);

impl Pattern {
    /// Whether an event's id, operation or account matches.
    pub(crate) fn matches(&self, event: &Event) -> bool {
        self.is_in(&event.id) || self.is_in(operation(event)) || self.is_in(&account(event))
    }

    /// Whether a text matches.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let mut rest = text.as_str();
        self.0.iter().all(|part| match rest.split_once(part.as_str()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    }
}

impl FromStr for Pattern {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Pattern(text.to_lowercase().split('*').map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_any_case_and_in_order() {
        let is_in = |pattern: &str, text| pattern.parse::<Pattern>().unwrap().is_in(text);
        for (pattern, text) in
            [("role", "AssumeRole"), ("get*role", "GetRolePolicy"), ("", ""), ("*", "x"), ("a*a", "aa")]
        {
            assert!(is_in(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("role*get", "GetRole"), ("roles", "AssumeRole"), ("a*a", "a")] {
            assert!(!is_in(pattern, text), "{pattern} {text}");
        }
    }
}
