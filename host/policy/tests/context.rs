//! What context tables are made of: declared egress, roles in a domain, places of networks.

use countersign_model::Account;
use countersign_policy::{DomainRoles, Egress, Locations};

const EGRESS: &str = r#"
version = 1
as-of = 2026-11-01

[[egress]]
name = "head office"
kind = "office"
networks = ["198.51.100.0/24", "2001:db8:1::/48"]
provider = "Example Networks"
asn = 64496

[[egress]]
name = "proxy of the head office"
kind = "proxy"
networks = ["198.51.100.128/25"]
"#;

#[test]
fn the_narrowest_declared_network_is_the_egress() {
    let egress = Egress::parse(EGRESS).unwrap();
    assert_eq!(egress.as_of().to_string(), "2026-11-01T00:00:00Z");
    let find = |address: &str| {
        let found = egress.find(address.parse().unwrap());
        found.map(|(network, exit)| (network.to_string(), exit.name.clone(), exit.kind.id(), exit.asn))
    };
    let office = |network: &str| Some((network.to_owned(), "head office".to_owned(), "office", Some(64_496)));
    assert_eq!(find("198.51.100.7"), office("198.51.100.0/24"));
    assert_eq!(find("2001:db8:1::9"), office("2001:db8:1::/48"));
    let proxy = ("198.51.100.128/25".to_owned(), "proxy of the head office".to_owned(), "proxy", None);
    assert_eq!(find("::ffff:198.51.100.200"), Some(proxy));
    assert_eq!(find("203.0.113.1"), None);
    assert_eq!(egress.iter().count(), 3);
}

#[test]
fn no_more_networks_are_declared_than_go_with_every_call() {
    let networks: Vec<String> =
        (0..4_097).map(|number| format!("\"10.{}.{}.0/24\"", number / 256, number % 256)).collect();
    let text = |networks: &[String]| {
        let list = networks.join(", ");
        format!("version = 1\nas-of = 2026-11-01\n[[egress]]\nname = \"n\"\nkind = \"vpn\"\nnetworks = [{list}]\n")
    };
    assert_eq!(Egress::parse(&text(&networks[..4_096])).unwrap().iter().count(), 4_096);
    let faults = Egress::parse(&text(&networks)).unwrap_err();
    assert_eq!(faults[0].to_string(), "line 1: expected at most 4096 networks, got 4097 networks");
}

const ROLES: &str = r#"
version = 1
as-of = "2026-11-01T06:00:00Z"

[[account]]
account = "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1105"
roles = ["sync-account"]
name = "MSOL_0123456789ab"

[[account]]
account = "windows:dc02.corp.example:S-1-5-18"
roles = ["certificate-authority"]

[[host]]
host = "DC01.corp.example"
roles = ["federation-service", "domain-controller"]

[[host]]
host = "dc02.corp.example"
roles = ["domain-controller"]
"#;

#[test]
fn roles_are_the_accounts_own_or_those_of_the_host_whose_account_it_is() {
    let roles = DomainRoles::parse(ROLES).unwrap();
    let find = |tenant: &str, subject: &str| -> Vec<&str> {
        let account = Account::new("windows", tenant, subject);
        roles.find(&account).into_iter().flat_map(|holder| holder.roles.clone()).map(|role| role.id()).collect()
    };
    assert_eq!(find("S-1-5-21-1-2-3", "S-1-5-21-1-2-3-1105"), ["sync-account"]);
    assert_eq!(find("dc01.CORP.example", "S-1-5-18"), ["domain-controller", "federation-service"]);
    assert_eq!(find("dc02.corp.example", "S-1-5-18"), ["certificate-authority"], "what is stated for it comes first");
    // Another host's own account, an account of the host's that anybody may have, another domain's account.
    assert!(find("web01.corp.example", "S-1-5-18").is_empty());
    assert!(find("dc01.corp.example", "S-1-5-21-1-2-3-500").is_empty());
    assert!(find("S-1-5-21-9-9-9", "S-1-5-21-1-2-3-1105").is_empty());
    // A name like a machine's proves nothing.
    assert!(find("dc01.corp.example", "DC01$").is_empty());
    assert!(roles.find(&Account::new("aws", "dc01.corp.example", "S-1-5-18")).is_none());
    assert_eq!(roles.iter().count(), 4);
}

#[test]
fn places_have_what_is_said_of_them() {
    let text = "version = 1\nas-of = 2026-11-01\n[[location]]\nnetworks = [\"203.0.113.0/24\"]\ncountry = \"DE\"\n\
                city = \"Berlin\"\nlatitude = 52\nlongitude = 13.4\nradius = 20\nasn = 64496\norganisation = \"Example\"\n\
                [[location]]\nnetworks = [\"203.0.113.128/25\"]\ncountry = \"AT\"\n";
    let locations = Locations::parse(text).unwrap();
    let berlin = locations.find("203.0.113.1".parse().unwrap()).unwrap();
    assert_eq!((berlin.coordinates, berlin.radius, berlin.asn), (Some((52.0, 13.4)), Some(20.0), Some(64_496)));
    let austria = locations.find("203.0.113.129".parse().unwrap()).unwrap();
    assert_eq!((austria.country.as_deref(), austria.coordinates), (Some("AT"), None), "nothing of the wider network");
    assert_eq!(locations.find("192.0.2.1".parse().unwrap()), None);
}
