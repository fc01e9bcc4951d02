//! Directories: facts first, and what a record proves where there are none.

use countersign_model::vocabulary::{IdentityType, Tier};
use countersign_model::{Account, Identity};
use countersign_policy::Directory;

const DIRECTORY: &str = r#"
[[identity]]
id = "alice"
type = "human"
tier = "standard"
environment = "production"

[[identity.account]]
provider = "aws"
tenant = "111122223333"
subject = "AIDAALICE"
provenance = "hr 2026-01"

[[identity.account]]
provider = "aws"
tenant = "444455556666"
subject = "AIDAALICE"

[[identity]]
id = "deploy"
owner = "alice"
protected = true

[[identity.account]]
provider = "aws"
tenant = "111122223333"
subject = "AROADEPLOY"

[[identity]]
id = "glass"
type = "human"
tier = "high"
break-glass = true
"#;

#[test]
fn facts_come_first_and_a_record_can_only_add_protection() {
    let directory = Directory::parse(DIRECTORY).unwrap();
    let account = |subject: &str| Account::new("aws", "111122223333", subject);
    let alice = directory.resolve(&account("AIDAALICE"), Some(IdentityType::Workload), false);
    assert_eq!(
        alice,
        Identity {
            directory_id: Some("alice".into()),
            identity_type: IdentityType::Human,
            tier: Tier::Standard,
            environment: Some("production".into()),
            owner: None,
            protected: false,
            break_glass: false,
        }
    );
    assert!(directory.resolve(&account("AIDAALICE"), None, true).protected);
    let deploy = directory.resolve(&account("AROADEPLOY"), Some(IdentityType::Workload), false);
    assert_eq!((deploy.identity_type, deploy.tier, deploy.protected), (IdentityType::Workload, Tier::Critical, true));
    assert_eq!(directory.resolve(&account("AROADEPLOY"), None, false).identity_type, IdentityType::Unknown);
    let stranger = directory.resolve(&account("AIDASTRANGER"), Some(IdentityType::Human), true);
    assert_eq!(stranger, Identity::without_fact(Some(IdentityType::Human), true));
    assert_eq!(stranger.tier, Tier::Critical);
}

#[test]
fn owners_and_accounts_are_found() {
    let directory = Directory::parse(DIRECTORY).unwrap();
    let deploy = Account::new("aws", "111122223333", "AROADEPLOY");
    assert_eq!(directory.owner_of(&deploy).unwrap().id, "alice");
    assert_eq!(directory.owner_of(&Account::new("aws", "111122223333", "AIDAALICE")), None);
    let accounts: Vec<String> = directory.accounts_of("alice").map(ToString::to_string).collect();
    assert_eq!(accounts, ["aws:111122223333:AIDAALICE", "aws:444455556666:AIDAALICE"]);
    assert_eq!(directory.accounts_of("glass").count() + directory.accounts_of("missing").count(), 0);
    assert!(directory.identity("glass").unwrap().break_glass);
    assert_eq!(directory.identities().len(), 3);
    assert_eq!(directory.identities()[0].accounts[0].provenance.as_deref(), Some("hr 2026-01"));
    assert_eq!(Directory::parse("").unwrap(), Directory::default());
}
