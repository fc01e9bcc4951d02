//! The closed lists of words: kinds of accounts, factors, scopes of credentials, kinds of events and reasons.

use countersign_model::vocabulary::text_ids;

text_ids! {
    /// Whose an account is.
    pub enum AccountKind {
        /// A person's.
        Person = "person",
        /// Software's.
        Service = "service",
    }

    /// What somebody proved to sign in. Each is also a kind of credential.
    pub enum Factor {
        /// A password.
        Password = "password",
        /// A code of a device (RFC 6238).
        Totp = "totp",
        /// A key of a service account.
        ApiKey = "api-key",
    }

    /// What an administrative credential may do.
    pub enum Scope {
        /// Reads accounts, groups, credentials, sessions and tokens, without secrets.
        Read = "read",
        /// Makes, changes and deletes accounts.
        AccountsWrite = "accounts.write",
        /// Makes, changes and deletes credentials of accounts.
        CredentialsWrite = "credentials.write",
        /// Makes, changes and deletes groups, and changes who is in them.
        GroupsWrite = "groups.write",
        /// Ends sessions, and has them begin anew.
        SessionsWrite = "sessions.write",
        /// Revokes refresh tokens.
        TokensWrite = "tokens.write",
        /// Reads the event log.
        EventsRead = "events.read",
        /// Makes and revokes administrative credentials.
        PrincipalsWrite = "principals.write",
        /// Orders faults, where the directory was started with them.
        Faults = "faults",
    }

    /// What happened. The part before the dot is what it happened to.
    pub enum EventKind {
        /// Somebody tried to sign in.
        SignIn = "session.started",
        /// A session ended.
        SessionEnded = "session.ended",
        /// A session has to begin anew, or no longer has to.
        SessionReauthentication = "session.reauthentication",
        /// A refresh token was presented.
        TokenRefreshed = "token.refreshed",
        /// A refresh token was presented that had been used before.
        TokenReused = "token.reused",
        /// A refresh token was revoked.
        TokenRevoked = "token.revoked",
        /// An account was made.
        AccountCreated = "account.created",
        /// An account was deleted.
        AccountDeleted = "account.deleted",
        /// An account was given another name.
        AccountRenamed = "account.renamed",
        /// An account was disabled.
        AccountDisabled = "account.disabled",
        /// An account was enabled.
        AccountEnabled = "account.enabled",
        /// An account was suspended, or its suspension was given another end.
        AccountSuspended = "account.suspended",
        /// A suspension ended.
        AccountUnsuspended = "account.unsuspended",
        /// New sign-ins were blocked.
        SignInBlocked = "account.sign-in-blocked",
        /// New sign-ins were let through again.
        SignInUnblocked = "account.sign-in-unblocked",
        /// Other factors are required.
        FactorsRequired = "account.factors-required",
        /// Sessions from before a time have to begin anew, or no longer have to.
        AccountReauthentication = "account.reauthentication",
        /// It may be used from other networks than before.
        NetworksRestricted = "account.networks-restricted",
        /// A credential was made.
        CredentialCreated = "credential.created",
        /// A credential was enabled.
        CredentialEnabled = "credential.enabled",
        /// A credential was disabled.
        CredentialDisabled = "credential.disabled",
        /// A credential was deleted.
        CredentialDeleted = "credential.deleted",
        /// A group was made.
        GroupCreated = "group.created",
        /// A group was given other privileges.
        GroupChanged = "group.changed",
        /// A group was deleted.
        GroupDeleted = "group.deleted",
        /// An account was added to a group.
        MemberAdded = "group.member-added",
        /// An account was removed from a group.
        MemberRemoved = "group.member-removed",
        /// An administrative credential was made.
        PrincipalCreated = "principal.created",
        /// An administrative credential was revoked.
        PrincipalRevoked = "principal.revoked",
        /// A request was refused for want of a scope.
        AccessDenied = "access.denied",
    }

    /// Why somebody wasn't signed in or given a token, why a session ended or a token was revoked.
    pub enum Reason {
        /// There is no account of this name.
        UnknownUser = "unknown-user",
        /// The password is wrong.
        WrongPassword = "wrong-password",
        /// The account has no such credential, or it is disabled.
        CredentialDisabled = "credential-disabled",
        /// The key of a service account isn't known.
        WrongApiKey = "wrong-api-key",
        /// A code is required, and none was given.
        TotpRequired = "totp-required",
        /// The code is wrong, or was used before.
        WrongTotp = "wrong-totp",
        /// A code is required, and the account has no device.
        TotpNotEnrolled = "totp-not-enrolled",
        /// The account is disabled.
        AccountDisabled = "account-disabled",
        /// The account is suspended.
        AccountSuspended = "account-suspended",
        /// The account was deleted.
        AccountDeleted = "account-deleted",
        /// New sign-ins are blocked.
        SignInBlocked = "sign-in-blocked",
        /// The address isn't in the networks that the account may be used from.
        NetworkNotAllowed = "network-not-allowed",
        /// The refresh token isn't known.
        UnknownToken = "unknown-token",
        /// The refresh token was used before: somebody else has it too.
        TokenReused = "token-reused",
        /// The refresh token was revoked.
        TokenRevoked = "token-revoked",
        /// The refresh token has expired.
        TokenExpired = "token-expired",
        /// The session has ended.
        SessionEnded = "session-ended",
        /// The session lacks a factor that is required by now.
        FactorRequired = "factor-required",
        /// The session has to begin anew.
        ReauthenticationRequired = "reauthentication-required",
        /// The credential lacks the scope.
        MissingScope = "missing-scope",
        /// An administrator did it.
        Administrator = "administrator",
        /// Whoever was signed in did it.
        SignOut = "sign-out",
        /// It came to its end.
        Expired = "expired",
    }
}
