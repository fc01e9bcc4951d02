//! The principals from outside that a trust policy lets in.

use std::borrow::Cow;

use countersign_sdk::Json;

use crate::condition::Conditions;
use crate::doors::{ROLES_ANYWHERE, resource};
use crate::provider::Public;

/// The accounts, organisations and subjects that a role may trust.
pub(crate) struct Trusted<'a> {
    /// The role's own account, if the record has it.
    pub(crate) own: Option<&'a str>,
    /// Ids of accounts.
    pub(crate) accounts: &'a [String],
    /// Ids of organisations.
    pub(crate) organisations: &'a [String],
    /// What claims at public providers of pipelines begin with that are the operator's own; if none are named, all may be.
    pub(crate) subjects: &'a [String],
}

impl Trusted<'_> {
    fn account(&self, account: &str) -> bool {
        Some(account) == self.own || self.accounts.iter().any(|trusted| trusted == account)
    }

    fn organisations(&self, organisations: &[Cow<'_, str>]) -> bool {
        let known = |organisation: &Cow<'_, str>| self.organisations.iter().any(|trusted| trusted == organisation);
        !organisations.is_empty() && organisations.iter().all(known)
    }

    fn subject(&self, subject: &str) -> bool {
        self.subjects.is_empty() || self.subjects.iter().any(|own| subject.starts_with(own.as_str()))
    }
}

/// Who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who<'a> {
    Everybody,
    /// By id.
    Account(Cow<'a, str>),
    /// Everybody of it, by id.
    Organisation(Cow<'a, str>),
    /// Everybody at a public identity provider.
    AnybodyAt(&'static str),
    /// A subject at a public provider of pipelines that isn't the operator's own.
    Subject(Cow<'a, str>),
    /// Whoever an identity provider of the own account vouches for: what of its ARN follows the account, or Roles
    /// Anywhere. It comes from outside only if the actor made the provider itself.
    Provider(String),
    /// The record has no document that can be read.
    Unknown,
    /// The document is larger than records show. IAM takes a few thousand characters besides white space: only somebody
    /// who hides a document brings this about.
    OutOfSight,
}

/// One way in from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opening<'a> {
    pub(crate) who: Who<'a>,
    pub(crate) external_id: bool,
}

/// Every way in that the document opens to a principal that isn't trusted, and to providers of the own account.
pub(crate) fn openings<'a>(document: Option<&'a str>, trusted: &Trusted<'_>) -> Vec<Opening<'a>> {
    let statements = document.and_then(Json::parse).and_then(|json| json.get_ignoring_case("Statement"));
    let Some(statements) = statements else { return vec![Opening { who: Who::Unknown, external_id: false }] };
    let statements = statements.one_or_many();
    statements.filter(|statement| lets_in(*statement)).flat_map(|statement| opened(statement, trusted)).collect()
}

/// Whether a statement allows a role to be assumed.
fn lets_in(statement: Json<'_>) -> bool {
    let effect = statement.get_ignoring_case("Effect").and_then(Json::text);
    let assumes = |action: Cow<'_, str>| {
        let action = action.to_ascii_lowercase();
        action.starts_with("sts:assume") || action.contains(['*', '?'])
    };
    let actions = statement.get_ignoring_case("Action").into_iter().flat_map(Json::one_or_many);
    effect.is_some_and(|effect| effect.eq_ignore_ascii_case("Allow"))
        && (statement.get_ignoring_case("NotAction").is_some() || actions.filter_map(Json::text).any(assumes))
}

fn opened<'a>(statement: Json<'a>, trusted: &Trusted<'_>) -> Vec<Opening<'a>> {
    let conditions = Conditions::of(statement);
    if trusted.organisations(&conditions.organisations) {
        return Vec::new();
    }
    let mut who: Vec<Who<'a>> = Vec::new();
    for principal in principals(statement) {
        match principal {
            Principal::Provider(provider) => who.extend(through(provider, &conditions, trusted)),
            Principal::Who(Who::Everybody) if !conditions.accounts.is_empty() => {
                who.extend(conditions.accounts.iter().cloned().map(Who::Account));
            }
            Principal::Who(Who::Everybody) if !conditions.organisations.is_empty() => {
                who.extend(conditions.organisations.iter().cloned().map(Who::Organisation));
            }
            Principal::Who(named) => who.push(named),
        }
    }
    let foreign = |who: &Who<'_>| match who {
        Who::Account(account) => !trusted.account(account),
        Who::Organisation(organisation) => !trusted.organisations(std::slice::from_ref(organisation)),
        Who::Everybody | Who::Unknown | Who::OutOfSight | Who::AnybodyAt(_) | Who::Subject(_) | Who::Provider(_) => {
            true
        }
    };
    who.retain(foreign);
    who.into_iter().map(|who| Opening { who, external_id: conditions.external_id }).collect()
}

/// Who comes in through an identity provider.
fn through<'a>(provider: Cow<'a, str>, conditions: &Conditions<'a>, trusted: &Trusted<'_>) -> Option<Who<'a>> {
    if provider == ROLES_ANYWHERE {
        return Some(Who::Provider(ROLES_ANYWHERE.to_owned()));
    }
    if let Some(account) = account_of(&provider).filter(|account| Some(*account) != trusted.own) {
        return Some(Who::Account(account.to_owned().into()));
    }
    let Some(public) = Public::of(&provider) else {
        return provider.starts_with("arn:").then(|| Who::Provider(resource(&provider)));
    };
    match public.named(&conditions.claims) {
        None => Some(Who::AnybodyAt(public.everybody)),
        Some(named) if public.is_of_pipelines() => {
            named.iter().find(|subject| !trusted.subject(subject)).cloned().map(Who::Subject)
        }
        Some(_) => None,
    }
}

/// One principal of a statement.
enum Principal<'a> {
    Who(Who<'a>),
    /// An identity provider, by ARN or name.
    Provider(Cow<'a, str>),
}

/// The accounts and identity providers that a statement names, or everybody.
fn principals<'a>(statement: Json<'a>) -> Vec<Principal<'a>> {
    let everybody = || Principal::Who(Who::Everybody);
    // Everybody but those named.
    if statement.get_ignoring_case("NotPrincipal").is_some() {
        return vec![everybody()];
    }
    let Some(principal) = statement.get_ignoring_case("Principal") else { return Vec::new() };
    if let Some(text) = principal.text() {
        return Vec::from_iter((text == "*").then(everybody));
    }
    let mut all = Vec::new();
    for (kind, names) in principal.members() {
        let names = names.one_or_many().filter_map(Json::text);
        match &*kind.to_ascii_lowercase() {
            "aws" => all.extend(names.filter_map(named).map(Principal::Who)),
            "federated" => {
                all.extend(names.map(|name| if name == "*" { everybody() } else { Principal::Provider(name) }));
            }
            // Of services only the one that lets in whoever has a certificate.
            "service" => {
                let anywhere = |name: &Cow<'_, str>| name.eq_ignore_ascii_case(ROLES_ANYWHERE);
                all.extend(names.filter(anywhere).map(|_| Principal::Provider(ROLES_ANYWHERE.into())));
            }
            "*" => all.extend(names.filter(|name| name == "*").map(|_| everybody())),
            _ => {}
        }
    }
    all
}

/// The account of one principal. A unique id, which stands for a deleted principal, shows none.
fn named(principal: Cow<'_, str>) -> Option<Who<'_>> {
    match principal {
        all if all == "*" => Some(Who::Everybody),
        Cow::Borrowed(text) => account_of(text).map(|account| Who::Account(account.into())),
        Cow::Owned(text) => account_of(&text).map(|account| Who::Account(account.to_owned().into())),
    }
}

/// The account's id in a principal: the id itself, or an ARN of something in the account.
pub(crate) fn account_of(principal: &str) -> Option<&str> {
    let account = if principal.starts_with("arn:") { principal.split(':').nth(4)? } else { principal };
    (account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit())).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str) -> String {
        let (accounts, organisations) = (["222233334444".to_owned()], ["o-home".to_owned()]);
        let subjects = ["repo:example/".to_owned()];
        let trusted = Trusted {
            own: Some("111122223333"),
            accounts: &accounts,
            organisations: &organisations,
            subjects: &subjects,
        };
        let shown = openings(Some(document), &trusted).into_iter().map(|opening| {
            let who = match opening.who {
                Who::Everybody => "everybody".to_owned(),
                Who::Unknown => "unknown".to_owned(),
                Who::OutOfSight => "out of sight".to_owned(),
                Who::AnybodyAt(whose) => whose.to_owned(),
                Who::Account(id) | Who::Organisation(id) | Who::Subject(id) => id.into_owned(),
                Who::Provider(provider) => provider,
            };
            if opening.external_id { format!("{who} by id") } else { who }
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    fn principal(principal: &str) -> String {
        check(&format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}]}}"#
        ))
    }

    fn conditioned(principal: &str, condition: &str) -> String {
        check(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole","Condition":{condition}}}}}"#
        ))
    }

    #[test]
    fn principals_come_in_many_forms() {
        for (given, opened) in [
            (r#""*""#, "everybody"),
            (r#"{"AWS":"*"}"#, "everybody"),
            (r#"{"AWS":"999988887777"}"#, "999988887777"),
            (r#"{"AWS":"arn:aws:iam::999988887777:root"}"#, "999988887777"),
            (
                r#"{"AWS":["arn:aws-cn:iam::999988887777:user/x","arn:aws:iam::888877776666:role/y"]}"#,
                "999988887777, 888877776666",
            ),
            (r#"{"AWS":"arn:aws:sts::999988887777:assumed-role\/x\/y"}"#, "999988887777"),
            (r#"{"Service":"ec2.amazonaws.com","AWS":["111122223333","999988887777"]}"#, "999988887777"),
            (r#"{"Federated":"arn:aws:iam::999988887777:saml-provider/idp"}"#, "999988887777"),
            (r#"{"Federated":"arn:aws:iam::222233334444:saml-provider/idp"}"#, ""),
            (r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/IdP"}"#, "saml-provider/idp"),
            (
                r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/idp.example.test\/auth"}"#,
                "oidc-provider/idp.example.test/auth",
            ),
            (r#"{"Service":["ec2.amazonaws.com","RolesAnywhere.amazonaws.com"]}"#, "rolesanywhere.amazonaws.com"),
            (r#"{"Federated":"cognito-identity.amazonaws.com"}"#, "any identity pool of Cognito"),
            (r#"{"*":"*"}"#, "everybody"),
        ] {
            assert_eq!(principal(given), opened, "{given}");
        }
    }

    #[test]
    fn the_own_account_and_services_are_quiet() {
        for given in [
            r#"{"AWS":"111122223333"}"#,
            r#"{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:user/alice"]}"#,
            r#"{"AWS":"arn:aws:iam::222233334444:root"}"#,
            r#"{"AWS":"AROAEXAMPLEOFAGONEROLE"}"#,
            r#"{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}"#,
            r#"{"Federated":"idp.example.test"}"#,
            "{}",
            "7",
        ] {
            assert_eq!(principal(given), "", "{given}");
        }
    }

    #[test]
    fn only_statements_that_let_a_principal_in_count() {
        let statement = |effect: &str, rest: &str| {
            check(&format!(r#"{{"statement":[{{"effect":"{effect}","principal":{{"aws":"999988887777"}},{rest}}}]}}"#))
        };
        assert_eq!(statement("Allow", r#""action":["sts:TagSession","STS:AssumeRole"]"#), "999988887777");
        assert_eq!(statement("Allow", r#""Action":"sts:*""#), "999988887777");
        assert_eq!(statement("Allow", r#""NotAction":"sts:TagSession""#), "999988887777");
        assert_eq!(statement("Allow", r#""Action":["sts:TagSession","sts:SetSourceIdentity"]"#), "");
        assert_eq!(statement("Deny", r#""Action":"sts:AssumeRole""#), "");
        let but = r#"{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}"#;
        assert_eq!(check(but), "everybody");
        for unread in ["", "[]", "{}", r#"{"Statement":[{"Effect":"Allow""#] {
            assert_eq!(check(unread), "unknown", "{unread}");
        }
        assert_eq!(check(r#"{"Statement":"x"}"#), "");
    }

    #[test]
    fn conditions_narrow_everybody_to_those_they_name() {
        let everybody = r#"{"AWS":"*"}"#;
        for (condition, opened) in [
            (r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#, ""),
            (r#"{"StringEquals":{"aws:PrincipalAccount":["111122223333","999988887777"]}}"#, "999988887777"),
            (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-home"}}"#, ""),
            (r#"{"StringEquals":{"aws:PrincipalOrgID":["o-home","o-away"]}}"#, "o-away"),
            (r#"{"StringEquals":{"sts:ExternalId":"x7"}}"#, "everybody by id"),
            (r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#, "everybody"),
        ] {
            assert_eq!(conditioned(everybody, condition), opened, "{condition}");
        }
        let away = r#"{"AWS":"999988887777"}"#;
        assert_eq!(conditioned(away, r#"{"StringEquals":{"sts:ExternalId":"x7"}}"#), "999988887777 by id");
        assert_eq!(conditioned(away, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-home"}}"#), "");
        assert_eq!(conditioned(away, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-away"}}"#), "999988887777");
    }

    #[test]
    fn conditions_say_whose_token_may_come() {
        let github = r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}"#;
        let claim = |operator: &str, claim: &str, value: &str| {
            format!(r#"{{"{operator}":{{"token.actions.githubusercontent.com:{claim}":{value}}}}}"#)
        };
        let anybody = "any repository of GitHub";
        for (condition, opened) in [
            (claim("StringEquals", "aud", r#""sts.amazonaws.com""#), anybody),
            (claim("StringLike", "sub", r#""repo:*""#), anybody),
            (claim("StringLike", "sub", r#"["repo:example/app:*","*"]"#), anybody),
            (claim("StringEqualsIfExists", "sub", r#""repo:example/app""#), anybody),
            (claim("ForAllValues:StringLike", "sub", r#""repo:example/app:*""#), anybody),
            (claim("StringNotLike", "sub", r#""repo:other/*""#), anybody),
            (claim("StringLike", "sub", r#""repo:example/app:*""#), ""),
            (claim("ForAnyValue:StringLike", "SUB", r#"["repo:example/app:*","repo:example/lib:*"]"#), ""),
            (claim("StringLike", "sub", r#"["repo:example/app:*","repo:stranger/app:*"]"#), "repo:stranger/app:*"),
        ] {
            assert_eq!(conditioned(github, &condition), opened, "{condition}");
        }
    }
}
