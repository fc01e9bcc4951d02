//! Attacks: each a module, usable alone, telling which events are its own and which rule should find them.

mod audit_trail;
mod console_login;
mod created_credential;
mod enumeration;
mod instance_credentials;
mod intruder;
mod role_trust;
mod self_privilege;

use crate::label::{Label, Story};
use crate::plan::Plan;
use crate::random::{Random, Stream};
use intruder::Intruder;

/// What an intruder does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// A stolen access key tries what it opens: a burst of denied calls from a new network.
    StolenAccessKey,
    /// A stolen password signs in to the console without a second factor.
    ConsoleLoginWithoutMfa,
    /// Access key, password and changed password for other users.
    CredentialForAnother,
    /// Administrator's rights attached to oneself, by policy, inline policy, group and one's own role.
    PrivilegeToSelf,
    /// Roles opened to a foreign account and to everyone.
    RoleTrustOpened,
    /// The session of an instance's role, used from outside.
    InstanceCredentialsElsewhere,
    /// Trail, selectors, flow logs, detector and recorder switched off.
    AuditTrailDisabled,
}

impl Attack {
    /// Every attack, in the order in which an intruder would go.
    pub const ALL: &'static [Attack] = &[
        Attack::StolenAccessKey,
        Attack::ConsoleLoginWithoutMfa,
        Attack::CredentialForAnother,
        Attack::PrivilegeToSelf,
        Attack::RoleTrustOpened,
        Attack::InstanceCredentialsElsewhere,
        Attack::AuditTrailDisabled,
    ];

    /// The id in labels.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Attack::StolenAccessKey => "stolen-access-key",
            Attack::ConsoleLoginWithoutMfa => "console-login-without-mfa",
            Attack::CredentialForAnother => "credential-for-another",
            Attack::PrivilegeToSelf => "privilege-to-self",
            Attack::RoleTrustOpened => "role-trust-opened",
            Attack::InstanceCredentialsElsewhere => "instance-credentials-elsewhere",
            Attack::AuditTrailDisabled => "audit-trail-disabled",
        }
    }

    /// Writes the attack into the plan. Attacks by the same intruder have the same victim and come from the same
    /// address, so that several make a chain.
    pub(crate) fn lay(self, plan: &mut Plan<'_>, seed: u64, number: u32) -> Label {
        let intruder = Intruder::new(plan.estate, &mut Random::new(seed, Stream::Intruder(number)), number);
        let mut story = Story::new(plan, self.id(), true);
        match self {
            Attack::StolenAccessKey => enumeration::tell(&mut story, &intruder),
            Attack::ConsoleLoginWithoutMfa => console_login::tell(&mut story, &intruder),
            Attack::CredentialForAnother => created_credential::tell(&mut story, &intruder),
            Attack::PrivilegeToSelf => self_privilege::tell(&mut story, &intruder),
            Attack::RoleTrustOpened => role_trust::tell(&mut story, &intruder),
            Attack::InstanceCredentialsElsewhere => instance_credentials::tell(&mut story, &intruder),
            Attack::AuditTrailDisabled => audit_trail::tell(&mut story, &intruder),
        }
        story.label
    }
}
