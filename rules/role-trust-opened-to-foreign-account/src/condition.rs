//! How a statement's conditions narrow who may assume the role.

use std::borrow::Cow;

use countersign_sdk::Json;

use crate::trust::account_of;

/// What a condition asks of a claim of the caller's token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claim<'a> {
    /// Issuer and claim, in lower case: `accounts.google.com:sub`.
    pub(crate) key: String,
    /// One of these must fit.
    pub(crate) values: Vec<Cow<'a, str>>,
    /// `*` and `?` in them stand for anything.
    pub(crate) is_pattern: bool,
}

/// What the conditions of a statement ask of the caller. Conditions of other kinds (addresses, a second factor, times,
/// tags) leave the door open to the same account, so they don't count.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions<'a> {
    /// An external id must be given.
    pub(crate) external_id: bool,
    /// Only these accounts may come, if any are named.
    pub(crate) accounts: Vec<Cow<'a, str>>,
    /// Only these organisations' principals may come, if any are named.
    pub(crate) organisations: Vec<Cow<'a, str>>,
    /// Only tokens with these claims may come.
    pub(crate) claims: Vec<Claim<'a>>,
}

impl<'a> Conditions<'a> {
    /// Of a statement.
    pub(crate) fn of(statement: Json<'a>) -> Conditions<'a> {
        let mut conditions = Conditions::default();
        let Some(condition) = statement.get_ignoring_case("Condition") else { return conditions };
        for (operator, tests) in condition.members().filter(|(operator, _)| narrows(operator)) {
            let pattern = operator.to_ascii_lowercase().ends_with("like");
            for (key, values) in tests.members() {
                conditions.test(&key.to_ascii_lowercase(), values, pattern);
            }
        }
        conditions
    }

    fn test(&mut self, key: &str, values: Json<'a>, pattern: bool) {
        let values: Vec<Cow<'a, str>> = values.one_or_many().filter_map(Json::text).collect();
        // One value that matches anything makes the others worthless.
        let all = |part: fn(&Cow<'a, str>) -> Option<Cow<'a, str>>| -> Vec<Cow<'a, str>> {
            values.iter().map(part).collect::<Option<_>>().unwrap_or_default()
        };
        match key {
            "sts:externalid" => {
                let anything = |value: &Cow<'_, str>| pattern && value.bytes().all(|byte| matches!(byte, b'*' | b'?'));
                self.external_id |= !values.is_empty() && !values.iter().any(anything);
            }
            "aws:principalaccount" | "aws:principalarn" if self.accounts.is_empty() => {
                self.accounts = all(|value| account_of(value).map(|account| account.to_owned().into()));
            }
            "aws:principalorgid" | "aws:principalorgpaths" if self.organisations.is_empty() => {
                self.organisations = all(|value| {
                    let organisation = value.split('/').next().unwrap_or_default();
                    let is_one = organisation.starts_with("o-") && !organisation.contains(['*', '?']);
                    is_one.then(|| organisation.to_owned().into())
                });
            }
            key if !key.starts_with("aws:") && !key.starts_with("sts:") => {
                self.claims.push(Claim { key: key.to_owned(), values, is_pattern: pattern });
            }
            _ => {}
        }
    }
}

/// Whether an operator is one that must find the key and one of the values. Those that end in `IfExists` and
/// `ForAllValues` hold without the key.
fn narrows(operator: &str) -> bool {
    let operator = operator.to_ascii_lowercase();
    let operator = operator.strip_prefix("foranyvalue:").unwrap_or(&operator);
    matches!(operator, "stringequals" | "stringequalsignorecase" | "stringlike" | "arnequals" | "arnlike")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &str) -> (bool, String, String) {
        let statement = format!(r#"{{"Condition":{condition}}}"#);
        let conditions = Conditions::of(Json::parse(&statement).unwrap());
        (conditions.external_id, conditions.accounts.join(" "), conditions.organisations.join(" "))
    }

    fn narrowed(external_id: bool, accounts: &str, organisations: &str) -> (bool, String, String) {
        (external_id, accounts.to_owned(), organisations.to_owned())
    }

    #[test]
    fn an_external_id_counts_unless_anything_fits() {
        assert_eq!(check(r#"{"StringEquals":{"sts:ExternalId":"x7"}}"#), narrowed(true, "", ""));
        assert_eq!(check(r#"{"stringlike":{"STS:externalid":["x7","x8*"]}}"#), narrowed(true, "", ""));
        for nothing in [
            r#"{"StringLike":{"sts:ExternalId":"*"}}"#,
            r#"{"StringLike":{"sts:ExternalId":["x7","?*"]}}"#,
            r#"{"StringNotEquals":{"sts:ExternalId":"x7"}}"#,
            r#"{"StringEqualsIfExists":{"sts:ExternalId":"x7"}}"#,
            r#"{"ForAllValues:StringEquals":{"sts:ExternalId":"x7"}}"#,
            r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
            r#"{"StringEquals":{"sts:ExternalId":[]}}"#,
            "{}",
        ] {
            assert_eq!(check(nothing), narrowed(false, "", ""), "{nothing}");
        }
    }

    #[test]
    fn accounts_come_by_id_or_arn_and_a_pattern_for_any_account_is_none() {
        for (condition, accounts) in [
            (
                r#"{"StringEquals":{"aws:PrincipalAccount":["111122223333","444455556666"]}}"#,
                "111122223333 444455556666",
            ),
            (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/ci-*"}}"#, "111122223333"),
            (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ci"}}"#, ""),
            (r#"{"StringLike":{"aws:PrincipalAccount":["111122223333","*"]}}"#, ""),
        ] {
            assert_eq!(check(condition), narrowed(false, accounts, ""), "{condition}");
        }
    }

    #[test]
    fn claims_are_kept_with_how_they_are_compared() {
        let statement = r#"{"Condition":{"ForAnyValue:StringLike":{"Gitlab.com:SUB":["a","b*"]},"StringEquals":{"gitlab.com:aud":"c"},"StringLikeIfExists":{"gitlab.com:ref":"d"},"ForAllValues:StringEquals":{"gitlab.com:ref":"e"}}}"#;
        let conditions = Conditions::of(Json::parse(statement).unwrap());
        let claims: Vec<_> =
            conditions.claims.iter().map(|claim| (&*claim.key, claim.values.join(" "), claim.is_pattern)).collect();
        assert_eq!(claims, [("gitlab.com:sub", "a b*".to_owned(), true), ("gitlab.com:aud", "c".to_owned(), false)]);
    }

    #[test]
    fn organisations_come_by_id_or_path() {
        for (condition, organisations) in [
            (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#, "o-a1b2c3d4e5"),
            (
                r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":["o-a1b2c3d4e5/r-ab12/ou-ab12-1/*"]}}"#,
                "o-a1b2c3d4e5",
            ),
            (r#"{"StringLike":{"aws:PrincipalOrgID":"o-*"}}"#, ""),
        ] {
            assert_eq!(check(condition), narrowed(false, "", organisations), "{condition}");
        }
    }
}
