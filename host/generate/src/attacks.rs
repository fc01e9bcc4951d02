//! Attacks: each a module, usable alone; its label lists its events and the rules that should find them.

mod ad_fs_export;
mod as_rep_roasting;
mod audit_trail;
mod console_login;
mod created_credential;
mod dcsync;
mod domain_spray;
mod enumeration;
mod factor_reset;
mod ignored_pushes;
mod instance_credentials;
mod intruder;
mod kerberoasting;
mod mfa_fatigue;
mod own_provider;
mod role_trust;
mod self_privilege;
mod spray;
mod stolen_session;
mod travel;
mod watchers;

use crate::label::{Label, Story};
use crate::plan::Plan;
use crate::random::{Random, Stream};
use crate::telemetry::Telemetry;
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
    /// Roles opened to a foreign account and to all principals.
    RoleTrustOpened,
    /// The session of an instance's role, used from outside.
    InstanceCredentialsElsewhere,
    /// Trail, selectors, flow logs, detector and recorder switched off.
    AuditTrailDisabled,
    /// Roles opened to an identity provider of the intruder's own, to all of GitHub, and to certificates.
    OwnProviderTrusted,
    /// GuardDuty told what not to report, other logs deleted, the organisation left.
    WatchersBlinded,
    /// One address tries one password on many members of the org, and it fits one of them.
    PasswordSpray,
    /// A stolen password, and pushes sent until the member approves one.
    MfaFatigue,
    /// The same with pushes that the member lets pass.
    PushesIgnored,
    /// A member's session, used from another network with another operating system.
    StolenSession,
    /// A member signs in at home, and an hour later someone else does so on another continent.
    ImpossibleTravel,
    /// An administrator's session removes a member's factors, and no new ones are enrolled.
    FactorReset,
    /// One machine tries one password on many accounts of the domain.
    DomainSpray,
    /// A person's account replicates the directory with its secrets.
    DirectoryReplicated,
    /// A person's account asks for RC4 tickets of every service there is.
    ServiceTicketsRoasted,
    /// A ticket for an account without pre-authentication, to be cracked at home.
    TicketsWithoutPreAuthentication,
    /// The federation service's signing material is read.
    FederationKeyExported,
}

impl Attack {
    /// Every attack, by the system that sees it, then in the order in which an intruder would go.
    pub const ALL: &'static [Attack] = &[
        Attack::StolenAccessKey,
        Attack::ConsoleLoginWithoutMfa,
        Attack::CredentialForAnother,
        Attack::PrivilegeToSelf,
        Attack::RoleTrustOpened,
        Attack::InstanceCredentialsElsewhere,
        Attack::AuditTrailDisabled,
        Attack::OwnProviderTrusted,
        Attack::WatchersBlinded,
        Attack::PasswordSpray,
        Attack::MfaFatigue,
        Attack::PushesIgnored,
        Attack::StolenSession,
        Attack::ImpossibleTravel,
        Attack::FactorReset,
        Attack::DomainSpray,
        Attack::DirectoryReplicated,
        Attack::ServiceTicketsRoasted,
        Attack::TicketsWithoutPreAuthentication,
        Attack::FederationKeyExported,
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
            Attack::OwnProviderTrusted => "own-provider-trusted",
            Attack::WatchersBlinded => "watchers-blinded",
            Attack::PasswordSpray => "password-spray",
            Attack::MfaFatigue => "mfa-fatigue",
            Attack::PushesIgnored => "pushes-ignored",
            Attack::StolenSession => "stolen-session",
            Attack::ImpossibleTravel => "impossible-travel",
            Attack::FactorReset => "factor-reset",
            Attack::DomainSpray => "domain-spray",
            Attack::DirectoryReplicated => "directory-replicated",
            Attack::ServiceTicketsRoasted => "service-tickets-roasted",
            Attack::TicketsWithoutPreAuthentication => "tickets-without-pre-authentication",
            Attack::FederationKeyExported => "federation-key-exported",
        }
    }

    /// The system that sees it.
    #[must_use]
    pub const fn telemetry(self) -> Telemetry {
        match self {
            Attack::StolenAccessKey
            | Attack::ConsoleLoginWithoutMfa
            | Attack::CredentialForAnother
            | Attack::PrivilegeToSelf
            | Attack::RoleTrustOpened
            | Attack::InstanceCredentialsElsewhere
            | Attack::AuditTrailDisabled
            | Attack::OwnProviderTrusted
            | Attack::WatchersBlinded => Telemetry::CloudTrail,
            Attack::PasswordSpray
            | Attack::MfaFatigue
            | Attack::PushesIgnored
            | Attack::StolenSession
            | Attack::ImpossibleTravel
            | Attack::FactorReset => Telemetry::Okta,
            Attack::DomainSpray
            | Attack::DirectoryReplicated
            | Attack::ServiceTicketsRoasted
            | Attack::TicketsWithoutPreAuthentication
            | Attack::FederationKeyExported => Telemetry::WindowsSecurity,
        }
    }

    /// Writes the attack into the plan. Attacks by the same intruder have the same victim and come from the same
    /// address, so that several make a chain.
    pub(crate) fn lay(self, plan: &mut Plan<'_>, seed: u64, number: u32) -> Label {
        let intruder = Intruder::new(plan.estate, &mut Random::new(seed, Stream::Intruder(number)), number);
        let mut story = Story::new(plan, self.id(), true);
        match self {
            Attack::StolenAccessKey => enumeration::write(&mut story, &intruder),
            Attack::ConsoleLoginWithoutMfa => console_login::write(&mut story, &intruder),
            Attack::CredentialForAnother => created_credential::write(&mut story, &intruder),
            Attack::PrivilegeToSelf => self_privilege::write(&mut story, &intruder),
            Attack::RoleTrustOpened => role_trust::write(&mut story, &intruder),
            Attack::InstanceCredentialsElsewhere => instance_credentials::write(&mut story, &intruder),
            Attack::AuditTrailDisabled => audit_trail::write(&mut story, &intruder),
            Attack::OwnProviderTrusted => own_provider::write(&mut story, &intruder),
            Attack::WatchersBlinded => watchers::write(&mut story, &intruder),
            Attack::PasswordSpray => spray::write(&mut story, &intruder),
            Attack::MfaFatigue => mfa_fatigue::write(&mut story, &intruder),
            Attack::PushesIgnored => ignored_pushes::write(&mut story, &intruder),
            Attack::StolenSession => stolen_session::write(&mut story, &intruder),
            Attack::ImpossibleTravel => travel::write(&mut story, &intruder),
            Attack::FactorReset => factor_reset::write(&mut story, &intruder),
            Attack::DomainSpray => domain_spray::write(&mut story, &intruder),
            Attack::DirectoryReplicated => dcsync::write(&mut story, &intruder),
            Attack::ServiceTicketsRoasted => kerberoasting::write(&mut story, &intruder),
            Attack::TicketsWithoutPreAuthentication => as_rep_roasting::write(&mut story, &intruder),
            Attack::FederationKeyExported => ad_fs_export::write(&mut story, &intruder),
        }
        story.label
    }
}
