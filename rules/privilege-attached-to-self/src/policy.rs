//! What a policy's document allows, as far as it matters for what its holder gains.
//!
//! Only actions count: a policy on a few resources may be harmless, but its document doesn't show what those are worth.

use countersign_sdk::Json;

use crate::gain::Gain;

/// the greatest gain of all that it allows. None if it allows nothing; a document that
/// is missing or can't be read may allow anything.
pub(crate) fn document_gain(document: Option<&str>) -> Option<Gain> {
    let Some(statements) = document.and_then(Json::parse).and_then(|json| json.get_ignoring_case("Statement")) else {
        return Some(Gain::Rights);
    };
    statements.one_or_many().filter(allows).filter_map(statement_gain).max()
}

fn allows(statement: &Json<'_>) -> bool {
    let effect = statement.get_ignoring_case("Effect").and_then(Json::text);
    effect.is_some_and(|effect| effect.eq_ignore_ascii_case("Allow"))
}

fn statement_gain(statement: Json<'_>) -> Option<Gain> {
    // Everything but what is named.
    if statement.get_ignoring_case("NotAction").is_some() {
        return Some(Gain::Everything);
    }
    let actions = statement.get_ignoring_case("Action")?.one_or_many();
    actions.filter_map(Json::text).map(|action| action_gain(&action.to_ascii_lowercase())).max()
}

/// What one action, in lower case, gains.
fn action_gain(action: &str) -> Gain {
    let Some((service, verb)) = action.split_once(':') else { return Gain::Everything };
    match service {
        "*" => Gain::Everything,
        "iam" if verb == "*" => Gain::Everything,
        "iam" | "sts" | "organizations" | "sso" | "sso-directory" | "identitystore" => {
            if is_read(verb) {
                Gain::Reading
            } else {
                Gain::Escalation
            }
        }
        _ if is_read(verb) => Gain::Reading,
        _ => Gain::Rights,
    }
}

fn is_read(verb: &str) -> bool {
    ["get", "list", "describe", "batchget", "lookup", "search", "view", "simulate"]
        .iter()
        .any(|start| verb.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(statement: &str) -> Option<Gain> {
        document_gain(Some(&format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)))
    }

    fn allowed(actions: &str) -> Option<Gain> {
        check(&format!(r#"[{{"Effect":"Allow","Action":{actions},"Resource":"*"}}]"#))
    }

    #[test]
    fn the_most_that_is_allowed_counts() {
        for (actions, gain) in [
            (r#""*""#, Gain::Everything),
            (r#""*:*""#, Gain::Everything),
            (r#"["s3:GetObject","iam:*"]"#, Gain::Everything),
            (r#""IAM:PutUserPolicy""#, Gain::Escalation),
            (r#"["logs:PutLogEvents","sts:AssumeRole"]"#, Gain::Escalation),
            (r#""iam:G*""#, Gain::Escalation),
            (r#"["iam:Get*","s3:PutObject"]"#, Gain::Rights),
            (r#"["iam:ListUsers","ec2:Describe*"]"#, Gain::Reading),
        ] {
            assert_eq!(allowed(actions), Some(gain), "{actions}");
        }
    }

    #[test]
    fn statements_come_alone_or_in_a_list() {
        assert_eq!(check(r#"{"Effect":"Allow","Action":"*"}"#), Some(Gain::Everything));
        let both = r#"[{"Effect":"Deny","Action":"*"},{"Effect":"Allow","Action":"sqs:SendMessage"}]"#;
        assert_eq!(check(both), Some(Gain::Rights));
        assert_eq!(check(r#"{"Effect":"Allow","NotAction":"iam:*"}"#), Some(Gain::Everything));
    }

    #[test]
    fn a_policy_that_only_denies_gains_nothing() {
        assert_eq!(check(r#"[{"Effect":"Deny","Action":"*"},{"Effect":"Deny","NotAction":"iam:*"}]"#), None);
        assert_eq!(check("[]"), None);
    }

    #[test]
    fn what_cannot_be_read_may_be_anything() {
        for document in [None, Some(""), Some("HIDDEN_DUE_TO_SECURITY_REASONS"), Some("{}"), Some("{\"Statement\":")] {
            assert_eq!(document_gain(document), Some(Gain::Rights), "{document:?}");
        }
    }
}
