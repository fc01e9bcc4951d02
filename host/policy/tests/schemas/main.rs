//! The JSON Schemas of the operator's files and of `rule.toml` in `docs/schemas`: made from the vocabulary, and held
//! against the readers. `UPDATE_EXPECT=1` writes them anew.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

mod operator;
mod rule;
#[path = "../../../document/tests/support/schema.rs"]
mod schema;

use std::fs;
use std::path::{Path, PathBuf};

use countersign_policy::{Capabilities, Diagnostic, Directory, DomainRoles, Egress, Locations, Policy, Trust};
use schema::{Form, Schema};

/// Reads as rule authors' files are read.
fn rule_toml(text: &str) -> Result<(), Vec<Diagnostic>> {
    let refused = |refusals: Vec<countersign_declaration::Refusal>| {
        refusals.into_iter().map(|refusal| refusal.diagnostic).collect()
    };
    countersign_declaration::parse_toml(text).map(drop).map_err(refused)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of the repository with this name, in these folders and theirs.
fn files(folders: &[&str], name: &str) -> Vec<PathBuf> {
    let mut rest: Vec<PathBuf> = folders.iter().map(|folder| repository().join(folder)).collect();
    let mut files = Vec::new();
    while let Some(path) = rest.pop() {
        if path.is_dir() {
            rest.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.file_name().is_some_and(|file| file == name) {
            files.push(path);
        }
    }
    files
}

#[test]
fn rule() {
    let schema = Schema::check_file("rule", rule::schema());
    let form = Form::new(&schema, &rule_toml);
    // Slots need a partition key, and fields of findings need a subscription.
    form.check(include_str!("complete/detection.toml"), &["partition-key", "subscribes"]);
    form.check(include_str!("complete/response.toml"), &[]);
    form.covers(&[include_str!("complete/detection.toml"), include_str!("complete/response.toml")]);
    let found =
        files(&["rules", "tests/guests", "host/countersign/templates", "guest-sdk/sdk/tests/rules"], "rule.toml");
    assert!(found.len() > 20);
    for file in found {
        let text = fs::read_to_string(&file).unwrap();
        form.accepts(
            &text.replace("{{publisher}}", "example").replace("{{name}}", "rule"),
            &file.display().to_string(),
        );
    }
}

#[test]
fn policy() {
    let schema = Schema::check_file("policy", operator::policy());
    let form = Form::new(&schema, &|text| Policy::parse(text).map(drop));
    form.check(include_str!("complete/policy.toml"), &[]);
    form.covers(&[include_str!("complete/policy.toml")]);
    form.accepts(countersign_policy::DEFAULT_POLICY, "the shipped policy");
}

#[test]
fn trust() {
    let schema = Schema::check_file("trust", operator::trust());
    let form = Form::new(&schema, &|text| Trust::parse(text).map(drop));
    // A publisher without keys has to say that its rules are unsigned, unless it is one that never has any.
    form.check(include_str!("complete/trust.toml"), &["publisher.acme.keys"]);
    form.covers(&[include_str!("complete/trust.toml")]);
    form.accepts(countersign_policy::DEFAULT_TRUST, "the shipped trust");
}

#[test]
fn identities() {
    let schema = Schema::check_file("identities", operator::identities());
    let form = Form::new(&schema, &|text| Directory::parse(text).map(drop));
    // The identity of a person is a human.
    form.check(include_str!("complete/identities.toml"), &["identity", "identity[0].type"]);
    form.covers(&[include_str!("complete/identities.toml")]);
    for file in files(&["rules"], "identities.toml") {
        form.accepts(&fs::read_to_string(&file).unwrap(), &file.display().to_string());
    }
}

#[test]
fn capabilities() {
    let schema = Schema::check_file("capabilities", operator::capabilities());
    let form = Form::new(&schema, &|text| Capabilities::parse(text).map(drop));
    form.check(include_str!("complete/capabilities.toml"), &[]);
    form.covers(&[include_str!("complete/capabilities.toml")]);
    form.accepts(countersign_policy::SHIPPED_CAPABILITIES, "the shipped capability tables");
}

#[test]
fn egress() {
    let schema = Schema::check_file("egress", operator::egress());
    let form = Form::new(&schema, &|text| Egress::parse(text).map(drop));
    form.check(include_str!("complete/egress.toml"), &[]);
    form.covers(&[include_str!("complete/egress.toml")]);
    for file in files(&["rules"], "egress.toml") {
        form.accepts(&fs::read_to_string(&file).unwrap(), &file.display().to_string());
    }
}

#[test]
fn geo() {
    let schema = Schema::check_file("geo", operator::geo());
    let form = Form::new(&schema, &|text| Locations::parse(text).map(drop));
    form.check(include_str!("complete/geo.toml"), &[]);
    form.covers(&[include_str!("complete/geo.toml")]);
    for file in files(&["rules"], "geo.toml") {
        form.accepts(&fs::read_to_string(&file).unwrap(), &file.display().to_string());
    }
}

#[test]
fn domain_roles() {
    let schema = Schema::check_file("domain-roles", operator::domain_roles());
    let form = Form::new(&schema, &|text| DomainRoles::parse(text).map(drop));
    form.check(include_str!("complete/domain-roles.toml"), &[]);
    form.covers(&[include_str!("complete/domain-roles.toml")]);
    for file in files(&["rules"], "domain-roles.toml") {
        form.accepts(&fs::read_to_string(&file).unwrap(), &file.display().to_string());
    }
}
