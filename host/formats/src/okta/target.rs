//! The account that an act was about, where the event proves which it is.

use countersign_model::Target;

use super::Act;
use super::accounts::principal;
use super::record::text_of;
use crate::intern::Interner;

/// The account of the first target of type `User`. An event without one concerns only its actor, or a thing.
pub(super) fn target(act: &Act<'_>, texts: &mut Interner) -> Option<Target> {
    let user = principal(act.user_target()?, &act.debug);
    Some(Target {
        account: user.account?,
        proved_type: user.proved_type,
        shared: user.shared,
        token: credential(act).map(|token| texts.share(&token)),
    })
}

/// The credential made, changed or revoked: an API token.
pub(super) fn credential<'a>(act: &Act<'a>) -> Option<std::borrow::Cow<'a, str>> {
    act.target("Token").and_then(|token| text_of(token.id))
}
