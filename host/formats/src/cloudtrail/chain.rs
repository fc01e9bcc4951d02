//! All who took part in a call, from initiator to executor.
//!
//! In order, each where the record names it: the one behind the session (the user on whose behalf it acts, its source
//! identity, the web identity provider that vouched for it, the user whose credentials a federated session was made
//! from), the caller itself, and the service through which the call came. The first is the initiator, the last the
//! executor unless it is alone, those between are delegates.

use countersign_model::ChainMember;
use countersign_model::vocabulary::IdentityType;

use super::accounts::{Principal, identity_center_user, issuing_user, service_account};
use super::caller::Caller;
use crate::intern::Interner;
use crate::normalise::{chain_member, in_order};

/// The chain of a call. At least one member: an unresolved caller is a member without an account.
pub(super) fn chain(caller: &Caller<'_>, principal: &Principal<'_>, texts: &mut Interner) -> Vec<ChainMember> {
    let mut member = |account, name: Option<&str>| chain_member(account, name.map(|name| texts.share(name)));
    let mut chain = Vec::with_capacity(2);
    if let Some(user) = caller.delegating_user() {
        chain.push(member(identity_center_user(caller), Some(&user)));
    }
    if let Some(source) = caller.session.source_identity.text() {
        chain.push(member(None, Some(&source)));
    }
    if let Some(provider) = caller.web.provider.text() {
        chain.push(ChainMember { shared: true, ..member(None, Some(&provider)) });
    }
    if caller.kind() == "FederatedUser"
        && let Some(account) = issuing_user(caller)
    {
        let root = caller.issuer.kind.text().as_deref() == Some("Root");
        let issuer = member(Some(account), caller.issuer.user_name.text().as_deref());
        chain.push(ChainMember { protected: root, proved_type: root.then_some(IdentityType::Human), ..issuer });
    }
    let service = caller.invoked_by();
    let is_service = caller.kind() == "AWSService";
    let name = if is_service { service.clone() } else { caller.name().text().or_else(|| caller.identity.arn.text()) };
    chain.push(ChainMember {
        proved_type: principal.proved_type,
        shared: principal.shared,
        protected: principal.protected,
        ..member(principal.account.clone(), name.as_deref())
    });
    if let Some(service) = service.filter(|_| !is_service) {
        let executor = member(Some(service_account(&service)), Some(&service));
        chain.push(ChainMember { proved_type: Some(IdentityType::Workload), ..executor });
    }
    in_order(chain)
}
