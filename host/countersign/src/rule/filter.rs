//! A `where` in words: one line per test, the tests of an `and` or `or` indented beneath it.

use countersign_declaration::{Bound, Filter, Literal, Range, Test, quoted};
use countersign_model::vocabulary::FieldId;

/// So many members of a list are shown; the rest are counted.
const MAX_SHOWN: usize = 16;

/// The lines of a filter; none if every event is wanted.
pub(super) fn lines(filter: &Filter) -> Vec<String> {
    parts(filter).into_iter().map(|part| format!("{}{}", "  ".repeat(part.depth), part.text)).collect()
}

/// A line of a filter, with the part of the filter that it shows.
pub(super) struct Part<'f> {
    /// How many `and`s and `or`s it is nested in.
    pub(super) depth: usize,
    /// The text.
    pub(super) text: String,
    /// The part of the filter, with every `not` of the line.
    pub(super) filter: &'f Filter,
    /// The field that is tested; none for `and` and `or`.
    pub(super) field: Option<FieldId>,
}

/// The lines of a filter, in order.
pub(super) fn parts(filter: &Filter) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    add(filter, filter, "", 0, &mut parts);
    parts
}

/// Adds `filter`, which is nested in the `not`s that begin at `whole`.
fn add<'f>(filter: &'f Filter, whole: &'f Filter, negated: &str, depth: usize, parts: &mut Vec<Part<'f>>) {
    let mut line = |text: &str, field| {
        parts.push(Part { depth, text: format!("{negated}{text}"), filter: whole, field });
    };
    let (join, members) = match filter {
        Filter::Always => return,
        Filter::Test { field, test, ignore_case } => {
            let case = if *ignore_case { ", ignoring case" } else { "" };
            return line(&format!("{} {}{case}", field.field().path, shown(test)), Some(*field));
        }
        Filter::Not(part) => return add(part, whole, &format!("{negated}not "), depth, parts),
        Filter::And(members) => ("all of", members),
        Filter::Or(members) => ("any of", members),
    };
    line(join, None);
    members.iter().for_each(|member| add(member, member, "", depth + 1, parts));
}

fn shown(test: &Test) -> String {
    match test {
        Test::Eq(literal) => format!("is {}", value(literal)),
        Test::In(literals) => format!("is one of {}", list(literals, value)),
        Test::Prefix(text) => format!("begins with {}", quoted(text)),
        Test::Suffix(text) => format!("ends with {}", quoted(text)),
        Test::Contains(text) => format!("has {}", quoted(text)),
        Test::Range(range) => ends(range),
        Test::Cidr(networks) => format!("is in {}", list(networks, ToString::to_string)),
        Test::Exists(true) => "is there".to_owned(),
        Test::Exists(false) => "isn't there".to_owned(),
    }
}

fn ends(range: &Range) -> String {
    let end = |bound: &Option<Bound>, included: &str, excluded: &str| {
        let bound = bound.as_ref()?;
        Some(format!("is {} {}", if bound.included { included } else { excluded }, value(&bound.value)))
    };
    let ends = [end(&range.lower, "at least", "above"), end(&range.upper, "at most", "below")];
    ends.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

fn value(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => quoted(text),
        Literal::Integer(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::Boolean(value) => value.to_string(),
    }
}

fn list<T>(members: &[T], show: impl Fn(&T) -> String) -> String {
    let mut shown: Vec<String> = members.iter().take(MAX_SHOWN).map(show).collect();
    if let Some(more) = members.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use countersign_declaration::parse_toml;

    use super::*;

    fn shown_as(filter: &str) -> Vec<String> {
        let text = format!(
            "id = \"example/rule\"\nversion = \"1.0.0\"\nkind = \"detection\"\ndescription = \"For a test.\"\n\
             identity-types = [\"human\"]\nconfidence-floor = 50\nactions = [\"notify\"]\n\
             signal-classes = [\"token\"]\nevent-classes = [\"api-activity\"]\n{filter}"
        );
        lines(&parse_toml(&text).unwrap().filter)
    }

    #[test]
    fn joined_tests_are_indented() {
        let filter = r#"where = { and = [
            { field = "user.name", prefix = "SVC-", ignore-case = true },
            { not = { or = [
                { field = "src_endpoint.ip", cidr = ["10.0.0.0/8", "::1/128"] },
                { not = { field = "is_mfa", eq = true } },
            ] } },
            { field = "logon_type_id", range = { at-least = 2, below = 10 } },
            { field = "api.operation", in = ["A", "B`\u001b[2J"] },
            { field = "unmapped", exists = false },
        ] }"#;
        assert_eq!(
            shown_as(filter),
            [
                "all of",
                "  user.name begins with `svc-`, ignoring case",
                "  not any of",
                "    src_endpoint.ip is in 10.0.0.0/8, ::1/128",
                "    not is_mfa is true",
                "  logon_type_id is at least 2 and is below 10",
                "  api.operation is one of `A`, `B\\u{60}\\u{1b}[2J`",
                "  unmapped isn't there",
            ]
        );
        assert!(shown_as("").is_empty());
    }

    #[test]
    fn long_lists_are_cut() {
        let numbers: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
        let lines = shown_as(&format!("where = {{ field = \"status_id\", in = [{}] }}", numbers.join(", ")));
        assert_eq!(lines.len(), 1);
        assert!(lines.concat().ends_with("14, 15, 984 more"), "{lines:?}");
    }
}
