//! The closed lists: texts that identify no one, and so stay in a case. Everything that isn't in one of them, or of a form
//! that says nothing, is replaced.

/// The longest word of a provider.
const MAX_WORD: usize = 64;

/// A number with more digits is an id.
pub(super) const MAX_DIGITS: usize = 4;

/// Words with a meaning of their own.
const PLAIN: &[&str] = &[
    "", "*", "-", "0", "1", "allow", "deny", "disabled", "enabled", "failure", "false", "no", "none", "null",
    "success", "true", "unknown", "yes",
];

/// Providers of identities.
const PROVIDERS: &[&str] =
    &["aws", "azure", "directory", "entra", "gcp", "github", "google", "microsoft", "okta", "windows"];

/// The kinds of AWS unique ids, by their first letters (AWS IAM User Guide, "Unique identifiers").
const AWS_IDS: &[&str] =
    &["ABIA", "ACCA", "AGPA", "AIDA", "AIPA", "AKIA", "ANPA", "ANVA", "APKA", "AROA", "ASCA", "ASIA"];

/// The partitions of ARNs.
const PARTITIONS: &[&str] = &["aws", "aws-cn", "aws-us-gov"];

/// The services in ARNs that rules look at; others are replaced.
const SERVICES: &[&str] = &[
    "cloudtrail",
    "dynamodb",
    "ec2",
    "ecs",
    "eks",
    "events",
    "guardduty",
    "iam",
    "kms",
    "lambda",
    "logs",
    "organizations",
    "rds",
    "s3",
    "secretsmanager",
    "signin",
    "sns",
    "sqs",
    "ssm",
    "sso",
    "sts",
];

/// The first parts of an ARN's resource that name its type.
const RESOURCES: &[&str] = &[
    "assumed-role",
    "federated-user",
    "group",
    "instance-profile",
    "mfa",
    "oidc-provider",
    "policy",
    "role",
    "root",
    "saml-provider",
    "trail",
    "user",
];

/// Products at the beginning of user agents.
const AGENTS: &[&str] = &[
    "APN",
    "Boto3",
    "Botocore",
    "Mozilla",
    "S3Console",
    "aws-cli",
    "aws-sdk-go",
    "aws-sdk-go-v2",
    "aws-sdk-java",
    "aws-sdk-js",
    "aws-sdk-rust",
    "curl",
    "okta-sdk-go",
    "okta-sdk-python",
    "python-requests",
];

/// Names of members in requests and responses that the formats and the shipped rules know.
const MEMBERS: &[&str] = &[
    "accessKey",
    "accessKeyId",
    "advancedEventSelectors",
    "assumeRolePolicyDocument",
    "assumedRoleUser",
    "bucketName",
    "ConsoleLogin",
    "content",
    "credentials",
    "DeleteFlowLogsRequest",
    "DeleteFlowLogsResponse",
    "durationSeconds",
    "eventSelectors",
    "expiration",
    "field",
    "fieldSelectors",
    "FlowLogId",
    "group",
    "groupName",
    "includeManagementEvents",
    "instanceId",
    "instanceProfileName",
    "item",
    "items",
    "keyId",
    "loginProfile",
    "MFAUsed",
    "name",
    "passwordResetRequired",
    "policyArn",
    "policyDocument",
    "policyName",
    "readWriteType",
    "resourceId",
    "role",
    "roleArn",
    "roleName",
    "roleSessionName",
    "serialNumber",
    "status",
    "trailName",
    "unsuccessful",
    "user",
    "userName",
    "virtualMFADevice",
];

/// Whether a text is a word with a meaning of its own.
pub(super) fn is_plain(text: &str) -> bool {
    PLAIN.iter().any(|plain| text.eq_ignore_ascii_case(plain))
}

/// Whether a text names a provider.
pub(super) fn is_provider(text: &str) -> bool {
    PROVIDERS.iter().any(|provider| text.eq_ignore_ascii_case(provider))
}

/// The kind of an AWS unique id.
pub(super) fn aws_id_kind(text: &str) -> Option<&'static str> {
    let form = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    AWS_IDS.iter().copied().find(|kind| form && text.starts_with(kind))
}

/// Whether a text is a partition of ARNs.
pub(super) fn is_partition(text: &str) -> bool {
    PARTITIONS.contains(&text)
}

/// Whether a text is a service of ARNs.
pub(super) fn is_service(text: &str) -> bool {
    SERVICES.contains(&text)
}

/// Whether a text begins the resource of an ARN with its type.
pub(super) fn is_resource(text: &str) -> bool {
    RESOURCES.contains(&text)
}

/// Whether a text is of the form of a region: `eu-central-1`.
pub(super) fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let area = parts.next().unwrap_or_default();
    let middle: Vec<&str> = parts.collect();
    let known = [
        "central",
        "east",
        "gov",
        "iso",
        "isob",
        "north",
        "northeast",
        "northwest",
        "south",
        "southeast",
        "southwest",
        "west",
    ];
    area.len() == 2
        && area.bytes().all(|byte| byte.is_ascii_lowercase())
        && middle.split_last().is_some_and(|(number, directions)| {
            number.len() == 1
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && !directions.is_empty()
                && directions.iter().all(|direction| known.contains(direction))
        })
}

/// The product of a user agent, and its version's first number.
pub(super) fn agent(text: &str) -> Option<(&'static str, &str)> {
    let (name, rest) = text.split_once('/')?;
    let name = AGENTS.iter().copied().find(|agent| *agent == name)?;
    let major = rest.get(..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())).unwrap_or_default();
    (!major.is_empty() && major.len() <= MAX_DIGITS).then_some((name, major))
}

/// Whether a body's member has a known name.
pub(super) fn is_member(name: &str) -> bool {
    MEMBERS.contains(&name)
}

/// The words of a text that may identify somebody, in lower case: none of those that any ARN or service has.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = String> + '_ {
    const SHORTEST: usize = 4;
    text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).filter(|token| {
        let known = |list: &[&str]| list.contains(&token.as_str());
        let common = known(PLAIN) || known(PARTITIONS) || known(SERVICES) || known(RESOURCES) || known(PROVIDERS);
        token.chars().count() >= SHORTEST && !common && token != "amazonaws"
    })
}

/// Whether a text has the form of a provider's word, such as an operation, a code or a type: no sentence, no address, no
/// number of more than [`MAX_DIGITS`] digits.
pub(super) fn is_word(text: &str) -> bool {
    text.len() <= MAX_WORD
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-:/%".contains(c))
        && !has_number(text)
        // An ARN, an address of the network, an id of AWS.
        && !text.starts_with("arn:")
        && text.parse::<std::net::IpAddr>().is_err()
        && aws_id_kind(text).is_none()
}

/// Whether a text has a number of more than [`MAX_DIGITS`] digits. Those of base 16 count too where they stand alone.
pub(super) fn has_number(text: &str) -> bool {
    let decimal = text.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() > MAX_DIGITS);
    let mut parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    decimal
        || parts.any(|part| {
            let part = part.strip_prefix("0x").unwrap_or(part);
            part.len() > MAX_DIGITS
                && part.bytes().all(|byte| byte.is_ascii_hexdigit())
                && part.bytes().any(|byte| byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_a_form_that_says_nothing_stay() {
        for word in [
            "ConsoleLogin",
            "signin.amazonaws.com",
            "user.session.start",
            "4769",
            "AWS::IAM::User",
            "%%7688",
            "rc4-hmac",
        ] {
            assert!(is_word(word), "{word}");
        }
        for text in [
            "a sentence",
            "mallory@corp.test",
            "123456789012",
            "call-12345",
            "0x40810000",
            "arn:aws:iam::1:user/a",
            "192.0.2.7",
            "AKIAABCDEFGHIJKLMNOP",
            "3f1c09ab-22",
            "Zoë",
            "CORP\\mallory",
        ] {
            assert!(!is_word(text), "{text}");
        }
        assert!(is_region("eu-central-1") && is_region("us-gov-west-1"));
        assert!(!is_region("al-ice-1") && !is_region("mallory") && !is_region("eu-central-12345"));
        assert_eq!(agent("aws-cli/2.15.30 md/x"), Some(("aws-cli", "2")));
        assert_eq!([agent("mallory/1.0"), agent("curl/123456"), agent("curl")], [None, None, None]);
    }
}
