//! The directory's replication rights, used by an account that is no domain controller.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

/// State of an account: the request that was last reported. Kept references are the latest requests.
#[derive(State)]
#[state(slot = "account")]
struct Account {
    reported: Option<Timestamp>,
    confidence: u8,
}

/// `where` passes only requests for a replication right, without those of the domain controller's own system.
#[detection]
fn detect(event: &Event, account: &mut Slot<Account>, cx: &mut Context) {
    let Some(right) = Right::of(event) else { return };
    let roles = cx.tables().domain_roles();
    let is_declared = roles.for_key().and_then(|row| row.roles()).is_some_and(|mut roles| roles.any(replicates));
    if is_declared {
        return;
    }
    let at = event.time();
    let is_machine = event.actor_user_name().is_some_and(|name| name.ends_with('$'));
    let confidence = confidence(right, is_machine, roles.is_fresh(), event.status_id() == Some(2));
    let repeat = if confidence < FLOOR { cx.parameters().repeat_machines_after } else { cx.parameters().repeat_after };
    let known = account.reported.is_some_and(|reported| at - reported < repeat) && account.confidence >= confidence;
    if known {
        return;
    }
    let evidence: Vec<Reference> = account.kept().collect();
    account.keep(event.reference());
    (account.reported, account.confidence) = (Some(at), confidence);
    let finding = Finding::new(class::Credential, confidence)
        .severity(if confidence < FLOOR { Severity::Low } else { right.severity() })
        .about(Role::Actor)
        .evidence_all(evidence)
        .message(message(event, right, is_machine, roles.is_fresh()));
    cx.report(finding);
}

/// The roles that replicate.
fn replicates(role: &str) -> bool {
    matches!(role, "domain-controller" | "sync-account")
}

/// The declared floor.
const FLOOR: u8 = 60;

/// The requested right, in order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Right {
    /// Changes without secrets.
    Changes,
    /// Changes that read-only domain controllers don't get.
    Filtered,
    /// Changes with secrets: the hashes of every password.
    All,
}

impl Right {
    fn of(event: &Event) -> Option<Right> {
        let properties = event.win_object_properties()?;
        properties
            .into_iter()
            .filter_map(|guid| match guid {
                "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2" => Some(Right::Changes),
                "89e95b76-444d-4c62-991a-0facbeda640c" => Some(Right::Filtered),
                "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2" => Some(Right::All),
                _ => None,
            })
            .max()
    }

    fn name(self) -> &'static str {
        match self {
            Right::Changes => "changes",
            Right::Filtered => "the filtered set of changes",
            Right::All => "all changes, secrets included",
        }
    }

    fn severity(self) -> Severity {
        if self == Right::All { Severity::Critical } else { Severity::High }
    }
}

/// 90 for all changes and 75 for less, which several products ask for. With a table the account of a machine is one
/// more that isn't declared, and 5 points less; without, it is most likely a domain controller: 40. A request that was
/// refused weighs 15 less.
fn confidence(right: Right, is_machine: bool, has_table: bool, refused: bool) -> u8 {
    let points = match (right, is_machine, has_table) {
        (_, true, false) => 40,
        (Right::All, true, true) => 85,
        (_, true, true) => 70,
        (Right::All, false, _) => 90,
        (_, false, _) => 75,
    };
    if refused { points - 15 } else { points }
}

fn message(event: &Event, right: Right, is_machine: bool, has_table: bool) -> String {
    let who = match (event.actor_user_domain(), event.actor_user_name().or(event.actor_user_uid())) {
        (Some(domain), Some(name)) => format!("{domain}\\{name}"),
        (None, Some(name)) => name.to_owned(),
        (_, None) => "an unnamed account".to_owned(),
    };
    let asked = if event.status_id() == Some(2) { "was refused" } else { "asked for" };
    let standing = match (has_table, is_machine) {
        (true, _) => "it is declared neither as a domain controller nor as a sync account",
        (false, true) => "no table of domain roles shows whether this machine is a domain controller",
        (false, false) => "it isn't the account of a machine, and no table of domain roles declares it",
    };
    format!(
        "{who} {asked} {} of the directory at {}; {standing}",
        right.name(),
        event.device_hostname().unwrap_or("an unnamed domain controller"),
    )
}
