//! All who took part in an act, from initiator to executor.
//!
//! An OAuth client acts for the user behind it: the user is the initiator. In impersonation the impersonator is the
//! initiator, and the impersonated user the executor. All other acts are their actor's alone.

use countersign_model::ChainMember;

use super::Act;
use super::accounts::{Principal, principal, user};
use super::outcome::{impersonates, is_oauth_client};
use super::record::{Party, text_of};
use crate::intern::Interner;
use crate::normalise::{chain_member, in_order};

/// The chain of an act. At least one member: an unresolved actor is a member without an account.
pub(super) fn chain(act: &Act<'_>, texts: &mut Interner) -> Vec<ChainMember> {
    let mut member = |principal: &Principal, party: &Party<'_>| {
        let name = text_of(party.alternate_id).or_else(|| text_of(party.display_name));
        ChainMember {
            proved_type: principal.proved_type,
            shared: principal.shared,
            ..chain_member(principal.account.clone(), name.map(|name| texts.share(&name)))
        }
    };
    let mut chain = vec![member(&act.principal, &act.actor)];
    if let Some(party) = act.user_target().filter(|_| impersonates(act) || is_oauth_client(act)) {
        let other = member(&principal(party, &act.debug), party);
        chain.insert(usize::from(impersonates(act)), other);
    } else if let Some(id) = act.behind_client().filter(|_| is_oauth_client(act)) {
        chain.insert(0, chain_member(Some(user(&id)), None));
    }
    in_order(chain)
}
