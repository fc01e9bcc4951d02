//! The subject of a finding: the roles of its event resolved to accounts and identities, as of the generation.

use std::sync::Arc;

use countersign_model::incident::ChainIdentity;
use countersign_model::vocabulary::{EvidenceRole, SubjectRole};
use countersign_model::{Account, Event, Identity, Subject};
use countersign_policy::Directory;

/// Resolves the account and identity that have a role in an event.
#[must_use]
pub fn resolve_subject(
    role: SubjectRole,
    evidence_role: EvidenceRole,
    event: &Event,
    directory: &Directory,
) -> Subject {
    let unresolved = Subject {
        role,
        evidence_role,
        account: None,
        identity: Identity::without_fact(None, false),
        usage: None,
        session: None,
        named_by_provider: false,
        token: None,
        temporary: false,
        grant: None,
        trust: text(&event.trust),
        shared: false,
        chain: Vec::new(),
    };
    match role {
        SubjectRole::Actor => actor(unresolved, event, directory),
        SubjectRole::Target => match &event.target {
            Some(target) => Subject {
                identity: directory.resolve(&target.account, target.proved_type, false),
                account: Some(target.account.clone()),
                token: target.token.as_deref().map(str::to_owned),
                shared: target.shared,
                ..unresolved
            },
            None => unresolved,
        },
        SubjectRole::Owner => {
            match event.actor.account.as_ref().and_then(|account| Some((account, directory.owner_of(account)?))) {
                Some((account, owner)) => Subject {
                    identity: owner.identity(None),
                    account: account_near(account, directory.accounts_of(&owner.id)).cloned(),
                    ..unresolved
                },
                None => unresolved,
            }
        }
        // A source address has no account: it is never contained.
        SubjectRole::Source => unresolved,
    }
}

fn text(part: &Option<Arc<str>>) -> Option<String> {
    part.as_deref().map(str::to_owned)
}

fn actor(unresolved: Subject, event: &Event, directory: &Directory) -> Subject {
    let Some(account) = &event.actor.account else { return unresolved };
    // An account may occur in the chain more than once: what any of its members proves counts.
    let own = || event.chain.iter().filter(|member| member.account.as_ref() == Some(account));
    let chain = event
        .chain
        .iter()
        .filter(|member| member.account.as_ref() != Some(account))
        .map(|member| ChainIdentity {
            role: member.role,
            identity: match &member.account {
                Some(account) => directory.resolve(account, member.proved_type, member.protected),
                None => Identity::without_fact(member.proved_type, member.protected),
            },
            account: member.account.clone(),
        })
        .collect();
    Subject {
        identity: directory.resolve(
            account,
            own().find_map(|member| member.proved_type),
            own().any(|member| member.protected),
        ),
        account: Some(account.clone()),
        usage: Some(event.actor.usage),
        session: text(&event.actor.session),
        named_by_provider: event.actor.person.is_some(),
        token: text(&event.actor.token),
        temporary: event.actor.temporary,
        grant: text(&event.actor.grant),
        shared: own().any(|member| member.shared),
        chain,
        ..unresolved
    }
}

/// The account that an owner most likely acts with where the owned one lives: the same tenant, else the same provider,
/// else the first.
fn account_near<'a>(owned: &Account, accounts: impl Iterator<Item = &'a Account>) -> Option<&'a Account> {
    accounts
        .min_by_key(|account| (account.provider != owned.provider, account.tenant != owned.tenant, (*account).clone()))
}

#[cfg(test)]
#[path = "../tests/unit/subject.rs"]
mod tests;
