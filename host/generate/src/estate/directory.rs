//! The estate as an operator's `identities.toml`.

use std::fmt::Write;

use countersign_model::Account;

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
