//! The estate as an operator's files: `identities.toml`, `egress.toml`, `domain-roles.toml`.

use std::fmt::Write;

use countersign_model::Account;

use super::domain::{Domain, Principal};
use super::{Duty, Estate};

/// Writes every identity that the directory knows. Names and ids hold no character that TOML would escape.
pub(super) fn write(estate: &Estate) -> String {
    let mut out = String::from("# The generated estate's directory.\n");
    let text = |value: &str| format!("\"{value}\"");
    for (place, person) in estate.people.iter().enumerate().filter(|(_, person)| person.listed) {
        let tier = match person.duty {
            Duty::ItAdmin | Duty::Platform | Duty::Security => "high",
            Duty::Developer | Duty::Analyst => "standard",
        };
        let account = estate.account(person.user.account);
        identity(&mut out, &person.id, "human", tier, account.environment, &[]);
        link(&mut out, &account.id, &person.user.id, "hr");
        link_account(&mut out, &estate.org.member(place).account(), "hr");
        link_account(&mut out, &estate.domain.account(&estate.domain.desk(place).user), "hr");
    }
    for pipeline in &estate.pipelines {
        let account = estate.account(pipeline.user.account);
        let owner = [("owner", text(&pipeline.owner))];
        identity(&mut out, &pipeline.id, "service-account", "high", account.environment, &owner);
        link(&mut out, &account.id, &pipeline.user.id, "cmdb");
    }
    for job in &estate.jobs {
        let account = estate.account(job.user.account);
        let owner = [("owner", text(&job.owner))];
        identity(&mut out, &job.id, "service-account", "standard", account.environment, &owner);
        link(&mut out, &account.id, &job.user.id, "cmdb");
    }
    for account in &estate.accounts {
        let id = format!("deploy-{}", account.id);
        identity(&mut out, &id, "service-account", "critical", account.environment, &[]);
        link(&mut out, &account.id, &account.deploy_role.id, "cmdb");
    }
    for account in &estate.accounts {
        let id = format!("containers-{}", account.id);
        identity(&mut out, &id, "workload", "high", account.environment, &[]);
        link(&mut out, &account.id, &account.container_role.id, "cmdb");
    }
    for instance in &estate.instances {
        let account = estate.account(instance.role.account);
        let owner = [("owner", text(&instance.owner))];
        identity(&mut out, &instance.role.name, "workload", "standard", account.environment, &owner);
        link(&mut out, &account.id, &instance.role.id, "cmdb");
    }
    for function in &estate.functions {
        let account = estate.account(function.role.account);
        let owner = [("owner", text(&function.owner))];
        identity(&mut out, &function.role.name, "workload", "standard", account.environment, &owner);
        link(&mut out, &account.id, &function.role.id, "cmdb");
    }
    let services = estate.domain.services.iter().chain([&estate.domain.legacy, &estate.domain.sync_account]);
    for service in services {
        identity(&mut out, &service.name, "service-account", "high", "production", &[]);
        link_account(&mut out, &estate.domain.account(service), "cmdb");
    }
    let account = estate.account(estate.break_glass.account);
    let facts = [("protected", "true".to_owned()), ("break-glass", "true".to_owned())];
    identity(&mut out, "break-glass", "human", "critical", account.environment, &facts);
    link(&mut out, &account.id, &estate.break_glass.id, "security-team");
    out
}

/// Writes the networks from which the estate's own traffic leaves. `as_of` is a date.
pub(super) fn egress(as_of: &str) -> String {
    format!(
        "# The generated estate's own networks.\nversion = 1\nas-of = {as_of}\n\n\
         [[egress]]\nname = \"office\"\nkind = \"office\"\nnetworks = [\"192.0.2.0/24\"]\n\n\
         [[egress]]\nname = \"instances and functions\"\nkind = \"cloud\"\nnetworks = [\"203.0.113.0/24\"]\n"
    )
}

/// Writes what the machines and accounts of the domain are there for. `as_of` is a date.
pub(super) fn domain_roles(domain: &Domain, as_of: &str) -> String {
    let mut out = format!("# The generated domain's roles.\nversion = 1\nas-of = {as_of}\n");
    let mut account = |who: &Principal, role: &str| {
        let Principal { name, .. } = who;
        let account = domain.account(who);
        let _ = write!(out, "\n[[account]]\naccount = \"{account}\"\nname = \"{name}\"\nroles = [\"{role}\"]\n");
    };
    domain.controllers.iter().for_each(|machine| account(&machine.account, "domain-controller"));
    account(&domain.sync_account, "sync-account");
    account(&domain.federation.account, "federation-service");
    for machine in &domain.controllers {
        let _ = write!(out, "\n[[host]]\nhost = \"{}\"\nroles = [\"domain-controller\"]\n", machine.host());
    }
    out
}

fn identity(out: &mut String, id: &str, ty: &str, tier: &str, environment: &str, more: &[(&str, String)]) {
    // Writing to a string can't fail.
    let _ = write!(
        out,
        "\n[[identity]]\nid = \"{id}\"\ntype = \"{ty}\"\ntier = \"{tier}\"\nenvironment = \"{environment}\"\n"
    );
    for (key, value) in more {
        let _ = writeln!(out, "{key} = {value}");
    }
}

/// Links an account in AWS.
fn link(out: &mut String, tenant: &str, subject: &str, provenance: &str) {
    link_account(out, &Account::new("aws", tenant, subject), provenance);
}

fn link_account(out: &mut String, account: &Account, provenance: &str) {
    let Account { provider, tenant, subject } = account;
    let _ = write!(
        out,
        "\n[[identity.account]]\nprovider = \"{provider}\"\ntenant = \"{tenant}\"\nsubject = \"{subject}\"\nprovenance = \"{provenance}\"\n"
    );
}
