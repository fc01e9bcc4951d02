//! All who took part in an audited act, from initiator to executor.

use countersign_model::ChainMember;

use super::Audit;
use super::accounts::Party;
use super::kinds::Role;
use super::record::words;
use crate::intern::Interner;
use crate::normalise::{chain_member, in_order};

/// The chain of an act. At least one member: an unresolved actor is a member without an account, with its name in the
/// record, else that of the machine.
///
/// An account that used another's password (4648) is the initiator, and the password's account the executor. An account
/// that logged another on (4624, 4625) is the initiator too, if it is an account of a domain or a local one; the system,
/// which takes part in every logon, is left out. The services that a delegated logon came through follow.
pub(super) fn chain(audit: &Audit<'_>, texts: &mut Interner) -> Vec<ChainMember> {
    let mut chain = Vec::with_capacity(2);
    let mut push = |party: &Party<'_>, otherwise: Option<&str>| {
        let name = party.name.as_deref().or(otherwise).map(|name| texts.share(name));
        let member = chain_member(party.account.clone(), name);
        let (proved_type, protected, shared) = (party.proved_type, party.protected, party.shared);
        chain.push(ChainMember { proved_type, protected, shared, ..member });
    };
    if matches!(audit.id, 4624 | 4625) && audit.kind.actor == Role::Target {
        let subject = Party::new(&audit.record, Role::Subject);
        let known = subject.account.as_ref().filter(|account| account.tenant.starts_with("S-1-"));
        if known.is_some_and(|account| audit.actor.account.as_ref() != Some(account)) {
            push(&subject, None);
        }
    }
    push(&audit.actor, audit.host.as_deref());
    if audit.id == 4648 && audit.kind.actor == Role::Subject {
        push(&audit.target, None);
    }
    for service in words(audit.record.transmitted) {
        push(&Party { name: Some(service.into()), ..Party::default() }, None);
    }
    in_order(chain)
}
