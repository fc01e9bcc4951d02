//! Identity providers that give tokens to anybody, and which claims say whose token one is.

use std::borrow::Cow;

use crate::condition::Claim;

/// A provider that gives tokens to everybody who has an account there.
pub(crate) struct Public {
    /// Its issuer, as IAM names it.
    issuer: &'static str,
    /// The claims of which each says whose token it is.
    claims: &'static [&'static str],
    /// What a claim `sub` has to begin with to say it; empty where each `sub` does. The rest of a subject may be chosen
    /// by whoever asks for the token.
    subjects: &'static [&'static str],
    /// Everybody, for the message.
    pub(crate) everybody: &'static str,
}

/// Providers with an issuer of its own for each customer (CircleCI, Bitbucket, EKS, Entra) are none of them.
const PUBLIC: &[Public] = &[
    Public {
        issuer: "token.actions.githubusercontent.com",
        claims: &[
            "sub",
            "repository",
            "repository_id",
            "repository_owner",
            "repository_owner_id",
            "enterprise",
            "enterprise_id",
            "job_workflow_ref",
        ],
        subjects: &[
            "repo:",
            "repository:",
            "repository_id:",
            "repository_owner:",
            "repository_owner_id:",
            "enterprise:",
            "enterprise_id:",
            "job_workflow_ref:",
        ],
        everybody: "any repository of GitHub",
    },
    Public {
        issuer: "gitlab.com",
        claims: &["sub", "namespace_id", "namespace_path", "project_id", "project_path"],
        subjects: &["project_path:"],
        everybody: "any project of GitLab",
    },
    Public {
        issuer: "app.terraform.io",
        claims: &["sub", "terraform_organization_id", "terraform_organization_name"],
        subjects: &["organization:"],
        everybody: "any workspace of HCP Terraform",
    },
    Public {
        issuer: "agent.buildkite.com",
        claims: &["sub", "organization_id", "organization_slug"],
        subjects: &["organization:"],
        everybody: "any pipeline of Buildkite",
    },
    Public {
        issuer: "oidc.vercel.com",
        claims: &["sub", "owner", "owner_id"],
        subjects: &["owner:"],
        everybody: "any project of Vercel",
    },
    Public {
        issuer: "oidc.codefresh.io",
        claims: &["sub", "account_id"],
        subjects: &["account:"],
        everybody: "any pipeline of Codefresh",
    },
    Public {
        issuer: "accounts.google.com",
        claims: &["sub", "aud"],
        subjects: &[],
        everybody: "anybody with an account of Google",
    },
    Public {
        issuer: "cognito-identity.amazonaws.com",
        claims: &["sub", "aud"],
        subjects: &[],
        everybody: "any identity pool of Cognito",
    },
    Public {
        issuer: "graph.facebook.com",
        claims: &["id", "app_id"],
        subjects: &[],
        everybody: "any application of Facebook",
    },
    Public {
        issuer: "www.amazon.com",
        claims: &["user_id", "app_id"],
        subjects: &[],
        everybody: "any application of Login with Amazon",
    },
];

impl Public {
    /// The public provider that a principal names, by the ARN of a provider or by itself.
    pub(crate) fn of(principal: &str) -> Option<&'static Public> {
        let issuer = principal.split_once(":oidc-provider/").map_or(principal, |(_, issuer)| issuer);
        let issuer = issuer.trim_end_matches('/');
        PUBLIC.iter().find(|public| public.issuer.eq_ignore_ascii_case(issuer))
    }

    /// The values of the first of a statement's conditions that say whose token may come; none if no condition does.
    pub(crate) fn named<'c, 'a>(&self, claims: &'c [Claim<'a>]) -> Option<&'c [Cow<'a, str>]> {
        let named = |claim: &&Claim<'a>| {
            claim.key.strip_prefix(self.issuer).and_then(|rest| rest.strip_prefix(':')).is_some_and(|key| {
                self.claims.contains(&key)
                    && !claim.values.is_empty()
                    && claim.values.iter().all(|value| self.names_one(key, value, claim.is_pattern))
            })
        };
        claims.iter().find(named).map(|claim| claim.values.as_slice())
    }

    /// Whether its tokens are of repositories, projects and workspaces, and not of people.
    pub(crate) fn is_of_pipelines(&self) -> bool {
        !self.subjects.is_empty()
    }

    /// Whether a claim's value names an owner, whatever else it leaves open.
    fn names_one(&self, key: &str, value: &str, is_pattern: bool) -> bool {
        let fixed = if is_pattern { value.split(['*', '?']).next().unwrap_or_default() } else { value };
        let is_open = fixed.len() < value.len();
        if key != "sub" || self.subjects.is_empty() {
            // `owner/*` names the owner, `own*` doesn't.
            return !fixed.is_empty()
                && (!is_open || fixed.split_once('/').is_some_and(|(owner, _)| !owner.is_empty()));
        }
        let rest = self.subjects.iter().find_map(|begin| fixed.strip_prefix(begin));
        rest.is_some_and(|rest| {
            let owner = rest.split(['/', ':']).next().unwrap_or_default();
            !owner.is_empty() && (!is_open || owner.len() < rest.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(principal: &str, key: &str, value: &str, is_pattern: bool) -> bool {
        let claim = Claim { key: key.to_owned(), values: vec![value.to_owned().into()], is_pattern };
        Public::of(principal).unwrap().named(&[claim]).is_some()
    }

    #[test]
    fn public_providers_are_known_by_arn_and_by_name() {
        let arn = "arn:aws:iam::111122223333:oidc-provider/";
        for issuer in ["token.actions.githubusercontent.com", "gitlab.com", "App.Terraform.io/"] {
            assert!(Public::of(&format!("{arn}{issuer}")).is_some(), "{issuer}");
        }
        assert!(Public::of("cognito-identity.amazonaws.com").is_some());
        for other in [
            "arn:aws:iam::111122223333:oidc-provider/gitlab.example.test",
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com/example",
            "arn:aws:iam::111122223333:saml-provider/gitlab.com",
        ] {
            assert!(Public::of(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_subject_of_github_names_an_owner_or_nobody() {
        let (github, sub) = ("token.actions.githubusercontent.com", "token.actions.githubusercontent.com:sub");
        for (value, named) in [
            ("repo:example/app:ref:refs/heads/main", true),
            ("repo:example/*", true),
            ("repo:example/app:*", true),
            ("repository_owner_id:123:*", true),
            ("repo:*", false),
            ("repo:*/*", false),
            ("repo:*/app:ref:refs/heads/main", false),
            ("repo:example*", false),
            ("repo:exampl?/app:*", false),
            ("repo:/app", false),
            ("*", false),
            ("*:ref:refs/heads/main", false),
            // Anybody's repository may have an environment of that name.
            ("environment:production", false),
            ("", false),
        ] {
            assert_eq!(check(github, sub, value, true), named, "{value}");
        }
        assert!(check(github, sub, "repo:example/app:*", false));
        assert!(!check(github, "token.actions.githubusercontent.com:aud", "sts.amazonaws.com", false));
        assert!(check(github, "token.actions.githubusercontent.com:repository", "example/*", true));
        assert!(!check(github, "token.actions.githubusercontent.com:repository", "exam*", true));
        assert!(check(github, "token.actions.githubusercontent.com:repository_owner", "example", true));
        assert!(!check(github, "gitlab.com:sub", "repo:example/app", false), "another provider's claim");
    }

    #[test]
    fn other_providers_name_owners_their_way() {
        for (issuer, claim, value, named) in [
            ("gitlab.com", "sub", "project_path:example/app:ref_type:branch:ref:main", true),
            ("gitlab.com", "sub", "project_path:example/*:ref_type:branch:ref:main", true),
            ("gitlab.com", "sub", "project_path:*:ref_type:branch:ref:main", false),
            ("gitlab.com", "aud", "https://gitlab.com", false),
            ("app.terraform.io", "sub", "organization:example:project:*:workspace:*:run_phase:*", true),
            ("app.terraform.io", "sub", "organization:*:project:*", false),
            ("cognito-identity.amazonaws.com", "aud", "eu-west-1:0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", true),
            ("cognito-identity.amazonaws.com", "aud", "eu-west-1:*", false),
            ("cognito-identity.amazonaws.com", "amr", "authenticated", false),
            ("accounts.google.com", "oaud", "anything", false),
            ("accounts.google.com", "sub", "109876543210987654321", true),
        ] {
            assert_eq!(check(issuer, &format!("{issuer}:{claim}"), value, true), named, "{issuer} {claim} {value}");
        }
    }
}
