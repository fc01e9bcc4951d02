//! How a finding's subject is tied to the evidence, as the host decides it.

use countersign_model::Event;
use countersign_model::vocabulary::{EvidenceRole, SubjectRole};

/// The actor of an act whose authentication succeeded is `authenticated-as`; everyone else is `merely-names`.
#[must_use]
pub fn evidence_role(role: SubjectRole, event: &Event) -> EvidenceRole {
    if role == SubjectRole::Actor && event.actor.authenticated && event.actor.account.is_some() {
        EvidenceRole::AuthenticatedAs
    } else {
        EvidenceRole::MerelyNames
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{account, event};

    #[test]
    fn only_an_actor_who_authenticated_is_more_than_named() {
        for (known, authenticated) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut event = event(0);
            event.actor.account = known.then(|| account("AIDA1"));
            event.actor.authenticated = authenticated;
            for role in SubjectRole::ALL {
                let proved = *role == SubjectRole::Actor && known && authenticated;
                let expected = if proved { EvidenceRole::AuthenticatedAs } else { EvidenceRole::MerelyNames };
                assert_eq!(
                    evidence_role(*role, &event),
                    expected,
                    "{role} known {known} authenticated {authenticated}"
                );
            }
        }
    }
}
