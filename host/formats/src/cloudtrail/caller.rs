//! Who made a call, with all its nested parts read once.

use std::borrow::Cow;

use super::record::{
    InScopeOf, OnBehalfOf, SessionAttributes, SessionContext, SessionIssuer, UserIdentity, WebFederation,
};
use crate::json::Member;

/// The `userIdentity` of a record; every part of it that is absent is empty.
pub(crate) struct Caller<'a> {
    pub(crate) identity: UserIdentity<'a>,
    pub(crate) session: SessionContext<'a>,
    pub(crate) issuer: SessionIssuer<'a>,
    pub(crate) attributes: SessionAttributes<'a>,
    pub(crate) web: WebFederation<'a>,
    pub(crate) on_behalf_of: OnBehalfOf<'a>,
    pub(crate) in_scope_of: InScopeOf<'a>,
}

impl<'a> Caller<'a> {
    pub(crate) fn of(identity: Member<'a>) -> Caller<'a> {
        let identity: UserIdentity<'a> = identity.members();
        let session: SessionContext<'a> = identity.session_context.members();
        Caller {
            issuer: session.issuer.members(),
            attributes: session.attributes.members(),
            web: session.web_federation.members(),
            on_behalf_of: identity.on_behalf_of.members(),
            in_scope_of: identity.in_scope_of.members(),
            identity,
            session,
        }
    }

    /// The record's type of the caller, such as `IAMUser`; empty where the record has none.
    pub(crate) fn kind(&self) -> Cow<'a, str> {
        self.identity.kind.text().unwrap_or_default()
    }

    /// Whether the caller is a session of a role.
    pub(crate) fn is_role(&self) -> bool {
        matches!(&*self.kind(), "AssumedRole" | "Role")
    }

    /// Whether the caller is a user of an identity store. `Unknown` is what AWS writes of a principal that it can't place;
    /// it is such a user only where the record has its id.
    pub(crate) fn is_store_user(&self) -> bool {
        match &*self.kind() {
            "IdentityCenterUser" => true,
            "Unknown" => self.on_behalf_of.user.text().is_some(),
            _ => false,
        }
    }

    /// The name of the user, or of the role whose session it is.
    pub(crate) fn name(&self) -> Member<'a> {
        let own = self.identity.user_name;
        if own.json().is_none() && self.is_role() { self.issuer.user_name } else { own }
    }

    /// The service that made the call itself or on a caller's behalf.
    pub(crate) fn invoked_by(&self) -> Option<Cow<'a, str>> {
        self.identity.invoked_by.text()
    }

    /// The user on whose behalf another principal made the call.
    pub(crate) fn delegating_user(&self) -> Option<Cow<'a, str>> {
        (!self.is_store_user()).then(|| self.on_behalf_of.user.text()).flatten()
    }

    /// The instance whose platform credentials the caller used, where the record proves it: the session's name alone
    /// proves nothing, since the caller may choose it.
    pub(crate) fn instance(&self) -> Option<String> {
        if self.in_scope_of.kind.text().as_deref() == Some("AWS::EC2::Instance") {
            let issued_to = self.in_scope_of.issued_to.text()?;
            return Some(issued_to.rsplit_once('/')?.1.to_owned()).filter(|id| id.starts_with("i-"));
        }
        self.session.instance_delivery.json()?;
        let principal = self.identity.principal.text()?;
        Some(principal.split_once(':')?.1.to_owned()).filter(|id| id.starts_with("i-"))
    }
}
