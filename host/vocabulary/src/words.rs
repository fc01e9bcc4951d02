//! The short word lists, each an enum whose members print and parse as their id.

/// Makes an enum of ids: `ALL` in written order, `id`, and `from_id`.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $id:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every member, in written order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The id that travels in WIT, declarations, policy and JSON.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $($name::$variant => $id,)+ }
            }

            /// The member with this id.
            #[must_use]
            pub fn from_id(id: &str) -> Option<$name> {
                match id { $($id => Some($name::$variant),)+ _ => None }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.id())
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.id())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let id = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::from_id(&id).ok_or_else(|| {
                    serde::de::Error::custom(format!("`{id}` is not a {}", stringify!($name)))
                })
            }
        }
    };
}

words! {
    /// What a rule is for.
    RuleKind {
        /// Judges events.
        Detection = "detection",
        /// Answers incidents.
        Response = "response",
    }
}

words! {
    /// What a finding is a sign of.
    SignalClass {
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

words! {
    /// What an identity is. Not the same as its [`Usage`].
    IdentityType {
        /// A person.
        Human = "human",
        /// An account that software uses with a long-lived credential.
        ServiceAccount = "service-account",
        /// Software with credentials of its platform.
        Workload = "workload",
        /// Software that acts for a person by its own judgement.
        AiAgent = "ai-agent",
        /// Nobody said, and the record doesn't prove it.
        Unknown = "unknown",
    }
}

words! {
    /// How much depends on an identity, the most first.
    Tier {
        /// Its loss or its lock-out stops the organisation; also everyone without a fact.
        Critical = "critical",
        /// Its loss or its lock-out hurts.
        High = "high",
        /// Everyone else of whom a fact says so.
        Standard = "standard",
    }
}

words! {
    /// How an identity was used in one event.
    Usage {
        /// By a person in a console or browser.
        Interactive = "interactive",
        /// By software with the identity's own credential.
        Programmatic = "programmatic",
        /// On behalf of it, by a service or a delegate.
        Delegated = "delegated",
    }
}

words! {
    /// OCSF event classes.
    EventClass {
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

words! {
    /// What a rule's state is kept by.
    PartitionKey {
        /// The actor's account, never its identity.
        Actor = "actor",
        /// The target's account.
        Target = "target",
        /// The source address.
        SourceIp = "source-ip",
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

words! {
    /// What a row of a context table stands for.
    Keying {
        /// A row of the batch.
        Row = "row",
        /// A key of the call.
        Key = "key",
        /// Nothing of the call: the table is the same for the whole batch.
        Batch = "batch",
    }
}

words! {
    /// What the operator declares an egress to be.
    EgressKind {
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

words! {
    /// What a machine or account is to a directory domain.
    DomainRole {
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

words! {
    /// Whom a finding is about.
    SubjectRole {
        /// Who authenticated or signed.
        Actor = "actor",
        /// The entity acted on.
        Target = "target",
        /// The actor's owner in the directory.
        Owner = "owner",
        /// The end point; never contained.
        Source = "source",
    }
}

words! {
    /// How a subject is tied to the evidence, from weak to strong.
    EvidenceRole {
        /// The events name it, which anybody can bring about.
        MerelyNames = "merely-names",
        /// It authenticated the act.
        AuthenticatedAs = "authenticated-as",
    }
}

words! {
    /// OCSF `severity_id` 1–6.
    Severity {
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

words! {
    /// The lane and weight of an action, weak to strong.
    ActionClass {
        /// Tells, and touches nothing.
        Observe = "observe",
        /// Asks the identity to prove itself.
        Challenge = "challenge",
        /// Takes something away for a while.
        Contain = "contain",
        /// Cleans up a cause; only as a step of a case.
        Remediate = "remediate",
    }
}

words! {
    /// What undoing an action takes, from best to worst.
    Reversibility {
        /// We can put it back.
        Reversible = "reversible",
        /// It heals by itself.
        SelfHealing = "self-healing",
        /// It can't be put back.
        Irreversible = "irreversible",
    }
}

words! {
    /// At which level of a target an action acts, narrow to wide.
    TargetLevel {
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

words! {
    /// The closed catalogue of actions.
    Action {
        /// Adds what is known to an alert.
        EnrichAlert = "enrich-alert",
        /// Raises the risk score of an identity or session; decays.
        RaiseRiskScore = "raise-risk-score",
        /// Tells people.
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
