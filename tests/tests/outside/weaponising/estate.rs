//! The permissive estate: every action is automatic, can be taken back and hits one account, and everybody is a person or
//! a machine of tier standard. Whatever nevertheless isn't automatic is so because of the evidence.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use countersign_generation::{ContextFiles, Generation, RuleFile, Settings};
use countersign_inputs::Sources;
use countersign_policy::{Capabilities, Directory, Policy, SourceFile};

use super::scene::{DOMAIN, TENANT, Victim};
use crate::permissive::{POLICY, capabilities};
use crate::support::engine;

/// Victims in the directory: a session plays one sequence for each.
pub(super) const VICTIMS: usize = 2_500;

/// The shipped rules' findings count each on its own; what they are granted is what ships.
const GROUPING: &str = r#"
[publisher.countersign]
exempt-from-grouping = true
"#;

const GEO: &str = r#"
version = 1
as-of = 2026-03-01

[[location]]
networks = ["81.0.0.0/8"]
country = "DE"
city = "Berlin"
latitude = 52.52
longitude = 13.4
radius = 10.0
asn = 64496

[[location]]
networks = ["203.0.0.0/8"]
country = "AU"
city = "Sydney"
latitude = -33.87
longitude = 151.21
radius = 10.0
asn = 64511
"#;

const EGRESS: &str = r#"
version = 1
as-of = 2026-03-01

[[egress]]
name = "a proxy that nobody uses"
kind = "proxy"
networks = ["198.51.100.0/24"]
"#;

const ROLES: &str = r#"
version = 1
as-of = 2026-03-01

[[host]]
host = "dc1.corp.test"
roles = ["domain-controller"]
"#;

/// How the sources that the outsider may write to are bound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// To tenants of his own.
    ToHisOwn,
    /// To the victims' tenants too: the operator's mistake.
    ToTheVictims,
}

/// `sources.toml`, in the order of the feeds.
pub(super) fn sources(bound: Bound) -> Sources {
    let own = |tenant: &str, victims: &str| match bound {
        Bound::ToHisOwn => format!("\"{tenant}\""),
        Bound::ToTheVictims => format!("\"{tenant}\", {victims}"),
    };
    let (aws, okta) = (format!("\"aws:{TENANT}\", \"aws:d-1234567890\""), "\"okta:org\"");
    let windows = format!("\"windows:{DOMAIN}\", \"windows:*.corp.test\"");
    let all = format!("{aws}, {okta}, {windows}");
    let feeds = [
        ("trail", "cloudtrail", aws.clone()),
        ("okta", "okta", okta.to_owned()),
        ("domain", "windows-security", windows.clone()),
        ("partner", "cloudtrail", own("aws:999988887777", &aws)),
        ("sandbox", "okta", own("okta:sandbox", okta)),
        ("workgroup", "windows-security", own("windows:S-1-5-21-9-9-9", &windows)),
        ("anything", "ocsf", own("acme:*\", \"windows:S-1-5-21-9-9-9", &all)),
    ];
    let mut text = "version = 1\n".to_owned();
    for (name, format, tenants) in feeds {
        writeln!(text, "[[source]]\nname = \"{name}\"\nformat = \"{format}\"\ntenants = [{tenants}]").unwrap();
    }
    Sources::parse(&text).unwrap()
}

/// Every shipped rule under the permissive policy; loaded once.
pub(super) fn generation() -> &'static Arc<Generation> {
    static LOADED: LazyLock<Arc<Generation>> = LazyLock::new(|| {
        let rules = countersign_shipped::RULES.iter();
        let rules = rules.map(|(name, bytes)| RuleFile { name: (*name).to_owned(), bytes: bytes.to_vec() }).collect();
        let mut context = ContextFiles::default();
        for (table, text) in [("geo", GEO), ("egress", EGRESS), ("domain-roles", ROLES)] {
            context.add(table, table, text.into()).unwrap();
        }
        let settings = Settings {
            policy: SourceFile::parse("policy", format!("{POLICY}{GROUPING}"), Policy::parse).unwrap(),
            directory: Some(SourceFile::parse("identities", directory(), Directory::parse).unwrap()),
            capabilities: SourceFile::parse("capabilities", capabilities(), Capabilities::parse).unwrap(),
            context,
            ..Settings::shipped().unwrap()
        };
        let (generation, faults) = Generation::load(engine(), rules, settings);
        assert!(faults.is_empty(), "{faults:?}");
        generation
    });
    &LOADED
}

fn directory() -> String {
    let mut text = String::new();
    let mut identity = |id: String, kind: &str, accounts: &[(&str, &str, String)]| {
        writeln!(text, "[[identity]]\nid = \"{id}\"\ntype = \"{kind}\"\ntier = \"standard\"").unwrap();
        for (provider, tenant, subject) in accounts {
            writeln!(
                text,
                "[[identity.account]]\nprovider = \"{provider}\"\ntenant = \"{tenant}\"\nsubject = \"{subject}\""
            )
            .unwrap();
        }
    };
    for victim in (0..VICTIMS).map(Victim) {
        let person = [
            ("aws", TENANT, victim.user()),
            ("aws", "d-1234567890", victim.store_user()),
            ("okta", "org", victim.okta()),
            ("windows", DOMAIN, victim.sid()),
        ];
        identity(format!("person-{}", victim.0), "human", &person);
        let machine = [("aws", TENANT, victim.machine()), ("windows", DOMAIN, victim.service_sid())];
        identity(format!("machine-{}", victim.0), "service-account", &machine);
    }
    text
}
