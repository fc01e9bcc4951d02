//! Every role of an event, with and without the operator's facts.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use countersign_model::event::ChainRole;
use countersign_model::vocabulary::{IdentityType, Tier, Usage};
use countersign_model::{Actor, ChainMember, Target};
use countersign_testing::account;

use super::*;

const DIRECTORY: &str = r#"
[[identity]]
id = "person:grace"
type = "human"
tier = "high"

[[identity.account]]
provider = "okta"
tenant = "corp"
subject = "00u1"

[[identity.account]]
provider = "aws"
tenant = "999900001111"
subject = "AIDAGRACE"

[[identity.account]]
provider = "aws"
tenant = "111122223333"
subject = "AIDAGRACE2"

[[identity]]
id = "svc:deploy"
type = "service-account"
tier = "standard"
environment = "production"
owner = "person:grace"
protected = true

[[identity.account]]
provider = "aws"
tenant = "111122223333"
subject = "AROADEPLOY"

[[identity]]
id = "svc:orphan"
owner = "person:nobody"

[[identity.account]]
provider = "aws"
tenant = "111122223333"
subject = "AROAORPHAN"

[[identity]]
id = "person:nobody"
type = "human"
break-glass = true
"#;

fn directory() -> Directory {
    Directory::parse(DIRECTORY).unwrap()
}

fn member(role: ChainRole, subject: Option<&str>) -> ChainMember {
    ChainMember { role, account: subject.map(account), name: None, proved_type: None, shared: false, protected: false }
}

/// An event of a role session, seen by a service that acts for it.
fn event(subject: Option<&str>) -> Event {
    let executor = Account::new("aws", "aws", "lambda.amazonaws.com");
    let mut event = countersign_testing::event(1);
    event.actor = Actor {
        account: subject.map(account),
        usage: Usage::Delegated,
        authenticated: true,
        session: Some(Arc::from("AROADEPLOY:build")),
        token: Some(Arc::from("ASIA1")),
        temporary: true,
        person: None,
        grant: Some(Arc::from("arn:aws:iam::111122223333:role/deploy")),
    };
    Event {
        chain: vec![
            member(ChainRole::Initiator, None),
            ChainMember {
                proved_type: Some(IdentityType::Workload),
                shared: true,
                ..member(ChainRole::Delegate, subject)
            },
            ChainMember {
                account: Some(executor),
                proved_type: Some(IdentityType::Workload),
                ..member(ChainRole::Executor, None)
            },
        ],
        target: Some(Target {
            account: account("AIDAGRACE2"),
            proved_type: None,
            shared: false,
            token: Some(Arc::from("AKIA1")),
        }),
        ..event
    }
}

fn resolve(role: SubjectRole, event: &Event) -> Subject {
    resolve_subject(role, EvidenceRole::AuthenticatedAs, event, &directory())
}

#[test]
fn the_actor_is_the_signer_with_the_credentials_in_evidence() {
    let actor = resolve(SubjectRole::Actor, &event(Some("AROADEPLOY")));
    assert_eq!((actor.role, actor.evidence_role), (SubjectRole::Actor, EvidenceRole::AuthenticatedAs));
    assert_eq!((actor.account, actor.usage), (Some(account("AROADEPLOY")), Some(Usage::Delegated)));
    let evidence = [actor.session, actor.token, actor.grant].map(Option::unwrap);
    assert_eq!(evidence, ["AROADEPLOY:build", "ASIA1", "arn:aws:iam::111122223333:role/deploy"]);
    // The operator's facts come before what the record proves.
    let identity = &actor.identity;
    assert_eq!((identity.identity_type, identity.tier), (IdentityType::ServiceAccount, Tier::Standard));
    assert_eq!(
        (identity.directory_id.as_deref(), identity.owner.as_deref()),
        (Some("svc:deploy"), Some("person:grace"))
    );
    assert!(identity.protected && actor.shared);
    // All other members of the chain are there, with or without an account.
    let chain: Vec<_> =
        actor.chain.iter().map(|one| (one.role, one.account.as_ref().map(ToString::to_string))).collect();
    assert_eq!(
        chain,
        [(ChainRole::Initiator, None), (ChainRole::Executor, Some("aws:aws:lambda.amazonaws.com".to_owned())),]
    );
    let types: Vec<_> = actor.chain.iter().map(|one| (one.identity.identity_type, one.identity.tier)).collect();
    assert_eq!(types, [(IdentityType::Unknown, Tier::Critical), (IdentityType::Workload, Tier::Critical)]);
}

#[test]
fn without_a_fact_the_record_proves_the_type_and_the_tier_is_critical() {
    let actor = resolve(SubjectRole::Actor, &event(Some("AROAELSE")));
    assert_eq!(actor.identity, Identity::without_fact(Some(IdentityType::Workload), false));
    // Protection that the record proves isn't overridden by facts.
    let mut root = event(Some("AIDAGRACE2"));
    root.chain[1].protected = true;
    let root = resolve(SubjectRole::Actor, &root);
    assert!(root.identity.protected);
    assert_eq!(root.identity.identity_type, IdentityType::Human);
}

#[test]
fn an_account_that_occurs_twice_in_the_chain_is_what_any_of_its_members_proves() {
    let mut event = event(Some("AROAELSE"));
    event.chain[0].account = Some(account("AROAELSE"));
    event.chain[2].account = Some(account("AROAELSE"));
    event.chain[2].protected = true;
    let actor = resolve(SubjectRole::Actor, &event);
    assert!(actor.shared && actor.identity.protected && actor.chain.is_empty());
    assert_eq!(actor.identity.identity_type, IdentityType::Workload);
}

#[test]
fn the_target_is_the_account_acted_on_without_the_actors_credentials() {
    let target = resolve(SubjectRole::Target, &event(Some("AROADEPLOY")));
    assert_eq!(target.account, Some(account("AIDAGRACE2")));
    assert_eq!(target.identity.directory_id.as_deref(), Some("person:grace"));
    assert_eq!((target.session, target.token.as_deref(), target.grant), (None, Some("AKIA1"), None));
    assert!(!target.shared && target.chain.is_empty());
    let mut shared = event(None);
    shared.target.as_mut().unwrap().shared = true;
    shared.target.as_mut().unwrap().proved_type = Some(IdentityType::Workload);
    shared.target.as_mut().unwrap().account = account("AROAELSE");
    let target = resolve(SubjectRole::Target, &shared);
    assert!(target.shared);
    assert_eq!(target.identity, Identity::without_fact(Some(IdentityType::Workload), false));
}

#[test]
fn the_owner_is_the_actors_in_the_directory_with_the_nearest_account() {
    let owner = resolve(SubjectRole::Owner, &event(Some("AROADEPLOY")));
    assert_eq!(owner.identity.directory_id.as_deref(), Some("person:grace"));
    assert_eq!(owner.account, Some(account("AIDAGRACE2")), "the same tenant before the same provider");
    assert_eq!((owner.session, owner.token, owner.grant, owner.chain), (None, None, None, vec![]));
    // An owner without an account is known, and can't be acted on.
    let orphan = resolve(SubjectRole::Owner, &event(Some("AROAORPHAN")));
    assert_eq!((orphan.identity.directory_id.as_deref(), orphan.account), (Some("person:nobody"), None));
    assert!(orphan.identity.break_glass);
}

#[test]
fn the_nearest_account_is_by_tenant_then_provider_then_name() {
    let owned = account("AROADEPLOY");
    let near = |accounts: &[Account]| account_near(&owned, accounts.iter()).cloned();
    let (okta, elsewhere) = (Account::new("okta", "corp", "00u1"), Account::new("aws", "999900001111", "AIDAGRACE"));
    assert_eq!(near(&[okta.clone(), elsewhere.clone(), account("B"), account("A")]), Some(account("A")));
    assert_eq!(near(&[okta.clone(), elsewhere.clone()]), Some(elsewhere));
    // A tenant with the same name at another provider is another tenant.
    let namesake = Account::new("okta", "111122223333", "00u2");
    assert_eq!(near(&[namesake, Account::new("aws", "zz", "X")]), Some(Account::new("aws", "zz", "X")));
    assert_eq!(near(std::slice::from_ref(&okta)), Some(okta));
    assert_eq!(near(&[]), None);
}

#[test]
fn an_unresolved_subject_has_no_account_and_nothing_to_act_on() {
    let mut unresolved = event(None);
    unresolved.target = None;
    let known = event(Some("AROADEPLOY"));
    let unknown_owner = event(Some("AROAELSE"));
    for (role, event) in [
        (SubjectRole::Actor, &unresolved),
        (SubjectRole::Target, &unresolved),
        (SubjectRole::Owner, &unresolved),
        (SubjectRole::Owner, &unknown_owner),
        // A source address is never contained, even if everything else is known.
        (SubjectRole::Source, &known),
        (SubjectRole::Source, &unresolved),
    ] {
        let subject = resolve(role, event);
        assert_eq!((subject.role, subject.account), (role, None));
        assert_eq!(subject.identity, Identity::without_fact(None, false));
        assert_eq!((subject.session, subject.token, subject.grant), (None, None, None), "{role}");
        assert!(!subject.shared && subject.chain.is_empty(), "{role}");
    }
}
