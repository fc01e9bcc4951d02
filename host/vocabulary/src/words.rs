//! The short word lists, each an enum whose members print and parse as their id.

use crate::text_ids;

text_ids! {
    /// What a rule is for.
    pub enum RuleKind {
        /// Judges events.
        Detection = "detection",
        /// Answers incidents.
        Response = "response",
    }
}

text_ids! {
    /// What a finding is a sign of.
    pub enum SignalClass {
        /// A sign-in or an attempt at one.
        SignIn = "sign-in",
        /// Use of a session, token or access key.
        Token = "token",
        /// Credentials made, changed or exported.
        Credential = "credential",
        /// Rights granted or used beyond what was meant.
        Privilege = "privilege",
        /// Trust between tenants, providers or roles.
        Federation = "federation",
        /// An AI agent acting outside what its person granted.
        Agent = "agent",
        /// Defences weakened or blinded.
        Evasion = "evasion",
    }
}

text_ids! {
    /// What an identity is. Not the same as its [`Usage`].
    pub enum IdentityType {
        /// A person.
        Human = "human",
        /// An account that software uses with a long-lived credential.
        ServiceAccount = "service-account",
        /// Software with credentials of its platform.
        Workload = "workload",
        /// Software that acts for a person and decides itself how.
        AiAgent = "ai-agent",
        /// No fact states it, and the record doesn't prove it.
        Unknown = "unknown",
    }
}

text_ids! {
    /// How much depends on an identity, the most first.
    pub enum Tier {
        /// Its loss or its lock-out stops the organisation; also any identity without a fact.
        Critical = "critical",
        /// Its loss or its lock-out hurts.
        High = "high",
        /// Neither, as a fact states.
        Standard = "standard",
    }
}

text_ids! {
    /// How an identity was used in one event.
    pub enum Usage {
        /// By a person in a console or browser.
        Interactive = "interactive",
        /// By software with the identity's own credential.
        Programmatic = "programmatic",
        /// On behalf of it, by a service or a delegate.
        Delegated = "delegated",
    }
}

text_ids! {
    /// OCSF event classes.
    pub enum EventClass {
        /// 3001.
        AccountChange = "account-change",
        /// 3002.
        Authentication = "authentication",
        /// 3003.
        AuthorizeSession = "authorize-session",
        /// 3004.
        EntityManagement = "entity-management",
        /// 3005.
        UserAccess = "user-access",
        /// 3006.
        GroupManagement = "group-management",
        /// 6003.
        ApiActivity = "api-activity",
    }
}

impl EventClass {
    /// OCSF `class_uid`.
    #[must_use]
    pub const fn uid(self) -> u32 {
        match self {
            EventClass::AccountChange => 3001,
            EventClass::Authentication => 3002,
            EventClass::AuthorizeSession => 3003,
            EventClass::EntityManagement => 3004,
            EventClass::UserAccess => 3005,
            EventClass::GroupManagement => 3006,
            EventClass::ApiActivity => 6003,
        }
    }
}

text_ids! {
    /// What a rule's state is kept by.
    pub enum PartitionKey {
        /// The actor's account, never its identity.
        Actor = "actor",
        /// The person who acted: the actor's account, or for a shared one account and session's name where an identity
        /// provider gave it. No other shared account has a key.
        Person = "person",
        /// The person where the record shows one, else the actor's account.
        PersonOrActor = "person-or-actor",
        /// The target's account.
        Target = "target",
        /// The source address.
        SourceIp = "source-ip",
        /// The network of the source address: /24 of IPv4, /64 of IPv6.
        SourceNetwork = "source-network",
        /// The actor's session.
        Session = "session",
        /// The application.
        Application = "application",
        /// The event's tenant.
        Tenant = "tenant",
        /// Nothing: the rule has no state.
        None = "none",
    }
}

text_ids! {
    /// What a row of a context table stands for.
    pub enum Keying {
        /// A row of the batch.
        Row = "row",
        /// A key of the call.
        Key = "key",
        /// Nothing of the call: the table is the same for the whole batch.
        Batch = "batch",
    }
}

text_ids! {
    /// What the operator declares an egress to be.
    pub enum EgressKind {
        /// A virtual private network's way out.
        Vpn = "vpn",
        /// A web proxy or secure web gateway.
        Proxy = "proxy",
        /// An office's connection.
        Office = "office",
        /// Addresses of the organisation's own machines at a cloud provider.
        Cloud = "cloud",
        /// A partner who acts for the organisation.
        Partner = "partner",
    }
}

text_ids! {
    /// What a machine or account is to a directory domain.
    pub enum DomainRole {
        /// Replicates the directory: asks for, and hands out, every secret in it.
        DomainController = "domain-controller",
        /// Synchronises the directory with another, as Entra Connect does: may ask for password hashes.
        SyncAccount = "sync-account",
        /// Runs a federation service such as AD FS: may read its signing material.
        FederationService = "federation-service",
        /// Issues certificates that the domain trusts.
        CertificateAuthority = "certificate-authority",
    }
}

text_ids! {
    /// Which party to an event a finding is about.
    pub enum SubjectRole {
        /// Who authenticated or signed.
        Actor = "actor",
        /// The entity acted on.
        Target = "target",
        /// The actor's owner in the directory.
        Owner = "owner",
        /// The source address; never contained.
        Source = "source",
    }
}

text_ids! {
    /// How a subject is tied to the evidence, from weak to strong.
    pub enum EvidenceRole {
        /// The events only name it, which needs no access: anyone can cause that.
        MerelyNames = "merely-names",
        /// It authenticated the act.
        AuthenticatedAs = "authenticated-as",
    }
}

text_ids! {
    /// OCSF `severity_id` 1–6.
    pub enum Severity {
        /// 1.
        Informational = "informational",
        /// 2.
        Low = "low",
        /// 3.
        Medium = "medium",
        /// 4.
        High = "high",
        /// 5.
        Critical = "critical",
        /// 6.
        Fatal = "fatal",
    }
}

impl Severity {
    /// OCSF `severity_id`.
    #[must_use]
    pub const fn severity_id(self) -> u8 {
        self as u8 + 1
    }
}

text_ids! {
    /// The lane and weight of an action, weak to strong.
    pub enum ActionClass {
        /// Informs people, and touches no account.
        Observe = "observe",
        /// Asks the identity to prove itself.
        Challenge = "challenge",
        /// Takes something away for a while.
        Contain = "contain",
        /// Cleans up a cause; only as a step of a case.
        Remediate = "remediate",
    }
}

text_ids! {
    /// What undoing an action takes, from best to worst.
    pub enum Reversibility {
        /// The host can restore what was there.
        Reversible = "reversible",
        /// It heals by itself.
        SelfHealing = "self-healing",
        /// It can't be undone.
        Irreversible = "irreversible",
    }
}

text_ids! {
    /// At which level of a target an action acts, narrow to wide.
    pub enum TargetLevel {
        /// One token or access key.
        Token = "token",
        /// One grant: an assumed role, a consent.
        Grant = "grant",
        /// One session.
        Session = "session",
        /// The account with all it has.
        Account = "account",
        /// A trust between tenants or providers.
        Trust = "trust",
    }
}

text_ids! {
    /// The closed catalogue of actions.
    pub enum Action {
        /// Adds what is known to an alert.
        EnrichAlert = "enrich-alert",
        /// Raises the risk score of an identity or session; decays.
        RaiseRiskScore = "raise-risk-score",
        /// Notifies people.
        Notify = "notify",
        /// Asks for a second factor from the next sign-in on.
        RequireMfa = "require-mfa",
        /// Asks to sign in again.
        RequireReauthentication = "require-reauthentication",
        /// Ends a token or access key.
        RevokeToken = "revoke-token",
        /// Ends a session, or all of an account.
        RevokeSessions = "revoke-sessions",
        /// Takes a grant or role away for a while.
        SuspendPrivilege = "suspend-privilege",
        /// Limits from where, or to what, the account has access.
        RestrictAccess = "restrict-access",
        /// Switches a password, key or factor off.
        DisableCredential = "disable-credential",
        /// Refuses new sign-ins.
        BlockSignIn = "block-sign-in",
        /// Suspends the whole account.
        SuspendAccount = "suspend-account",
        /// Cuts a workload off from its surroundings.
        QuarantineWorkload = "quarantine-workload",
        /// Limits a trust between tenants or providers.
        RestrictFederation = "restrict-federation",
        /// Disables the account for good.
        DisableAccount = "disable-account",
        /// Sets a new credential.
        ResetCredential = "reset-credential",
        /// Rotates a secret.
        RotateSecret = "rotate-secret",
        /// Takes a right away for good.
        RemovePrivilege = "remove-privilege",
        /// Takes a consent away for good.
        RemoveConsent = "remove-consent",
    }
}
