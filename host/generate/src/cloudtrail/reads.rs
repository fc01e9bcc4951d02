//! Calls that only read: most of an estate's work.

use super::Call;
use crate::estate::CloudAccount;
use crate::json::{Json, list, object};
use crate::random::Random;

/// A kind of call and the shape of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read(pub(crate) &'static str, pub(crate) &'static str, Shape);

#[derive(Clone, Copy, Debug)]
enum Shape {
    Nothing,
    /// Empty filters, as the EC2 API sends them.
    Filters,
    Instances,
    Vpcs,
    Subnets,
    Bucket,
    Page,
    RoleName,
    Parameter,
    Secret,
    Ciphertext,
    DataKey,
    LogGroup,
    Function,
    Trail,
    Table,
}

/// What people and tools look at.
pub(crate) const LOOKING: &[Read] = &[
    Read("ec2", "DescribeInstances", Shape::Instances),
    Read("ec2", "DescribeInstanceStatus", Shape::Instances),
    Read("ec2", "DescribeSecurityGroups", Shape::Filters),
    Read("ec2", "DescribeVpcs", Shape::Vpcs),
    Read("ec2", "DescribeSubnets", Shape::Subnets),
    Read("ec2", "DescribeRouteTables", Shape::Filters),
    Read("ec2", "DescribeNetworkInterfaces", Shape::Filters),
    Read("ec2", "DescribeVolumes", Shape::Filters),
    Read("ec2", "DescribeImages", Shape::Filters),
    Read("ec2", "DescribeAvailabilityZones", Shape::Filters),
    Read("ec2", "DescribeRegions", Shape::Filters),
    Read("s3", "ListBuckets", Shape::Nothing),
    Read("s3", "GetBucketLocation", Shape::Bucket),
    Read("s3", "GetBucketPolicy", Shape::Bucket),
    Read("s3", "GetBucketTagging", Shape::Bucket),
    Read("s3", "GetBucketEncryption", Shape::Bucket),
    Read("iam", "GetUser", Shape::Nothing),
    Read("iam", "ListRoles", Shape::Page),
    Read("iam", "ListUsers", Shape::Page),
    Read("iam", "GetRole", Shape::RoleName),
    Read("iam", "ListAttachedRolePolicies", Shape::RoleName),
    Read("iam", "GetAccountSummary", Shape::Nothing),
    Read("sts", "GetCallerIdentity", Shape::Nothing),
    Read("lambda", "ListFunctions20150331", Shape::Page),
    Read("lambda", "GetFunction20150331v2", Shape::Function),
    Read("cloudwatch", "DescribeAlarms", Shape::Page),
    Read("logs", "DescribeLogGroups", Shape::Page),
    Read("logs", "DescribeLogStreams", Shape::LogGroup),
    Read("rds", "DescribeDBInstances", Shape::Nothing),
    Read("rds", "DescribeDBSnapshots", Shape::Nothing),
    Read("elasticloadbalancing", "DescribeLoadBalancers", Shape::Page),
    Read("cloudformation", "DescribeStacks", Shape::Nothing),
    Read("cloudtrail", "DescribeTrails", Shape::Nothing),
    Read("cloudtrail", "GetTrailStatus", Shape::Trail),
    Read("cloudtrail", "LookupEvents", Shape::Page),
    Read("dynamodb", "DescribeTable", Shape::Table),
    Read("ssm", "DescribeParameters", Shape::Page),
    Read("secretsmanager", "ListSecrets", Shape::Page),
];

/// What programs need to run.
pub(crate) const RUNNING: &[Read] = &[
    Read("kms", "Decrypt", Shape::Ciphertext),
    Read("kms", "Decrypt", Shape::Ciphertext),
    Read("kms", "GenerateDataKey", Shape::DataKey),
    Read("ssm", "GetParameter", Shape::Parameter),
    Read("ssm", "GetParameter", Shape::Parameter),
    Read("secretsmanager", "GetSecretValue", Shape::Secret),
    Read("secretsmanager", "DescribeSecret", Shape::Secret),
    Read("dynamodb", "DescribeTable", Shape::Table),
    Read("logs", "DescribeLogStreams", Shape::LogGroup),
    Read("ec2", "DescribeTags", Shape::Filters),
    Read("ec2", "DescribeInstances", Shape::Instances),
];

/// What someone tries who has a credential and doesn't know what it opens.
pub(crate) const ENUMERATING: &[Read] = &[
    Read("iam", "ListUsers", Shape::Page),
    Read("iam", "ListRoles", Shape::Page),
    Read("iam", "ListGroups", Shape::Page),
    Read("iam", "ListPolicies", Shape::Page),
    Read("iam", "ListAccessKeys", Shape::Nothing),
    Read("iam", "GetAccountAuthorizationDetails", Shape::Page),
    Read("iam", "GetAccountSummary", Shape::Nothing),
    Read("iam", "ListAttachedUserPolicies", Shape::Nothing),
    Read("iam", "GetLoginProfile", Shape::Nothing),
    Read("s3", "ListBuckets", Shape::Nothing),
    Read("s3", "GetBucketPolicy", Shape::Bucket),
    Read("ec2", "DescribeInstances", Shape::Instances),
    Read("ec2", "DescribeSnapshots", Shape::Filters),
    Read("ec2", "DescribeSecurityGroups", Shape::Filters),
    Read("ec2", "GetPasswordData", Shape::Instances),
    Read("ec2", "DescribeInstanceAttribute", Shape::Instances),
    Read("secretsmanager", "ListSecrets", Shape::Page),
    Read("secretsmanager", "GetSecretValue", Shape::Secret),
    Read("ssm", "DescribeParameters", Shape::Page),
    Read("ssm", "GetParameter", Shape::Parameter),
    Read("lambda", "ListFunctions20150331", Shape::Page),
    Read("rds", "DescribeDBInstances", Shape::Nothing),
    Read("dynamodb", "ListTables", Shape::Page),
    Read("kms", "ListKeys", Shape::Page),
    Read("organizations", "DescribeOrganization", Shape::Nothing),
    Read("organizations", "ListAccounts", Shape::Page),
    Read("cloudtrail", "DescribeTrails", Shape::Nothing),
    Read("guardduty", "ListDetectors", Shape::Page),
    Read("ce", "GetCostAndUsage", Shape::Nothing),
    Read("route53", "ListHostedZones", Shape::Page),
];

impl Read {
    /// The call, with a request as the estate's resources give it.
    pub(crate) fn call(self, random: &mut Random, account: &CloudAccount) -> Call {
        let Read(service, operation, shape) = self;
        let mut call = Call::read(service, operation);
        call.request = match shape {
            Shape::Nothing => Json::Null,
            Shape::Filters => object! { "filterSet" => object! {} },
            Shape::Instances => object! {
                "instancesSet" => object! { "items" => list![object! { "instanceId" => random.hex("i-", 17) }] },
                "filterSet" => object! {},
            },
            Shape::Vpcs => object! {
                "vpcSet" => object! { "items" => list![object! { "vpcId" => &account.vpc }] },
                "filterSet" => object! {},
            },
            Shape::Subnets => object! {
                "subnetSet" => object! { "items" => list![object! { "subnetId" => &account.subnet }] },
                "filterSet" => object! {},
            },
            Shape::Bucket => object! {
                "bucketName" => &account.bucket,
                "Host" => format!("{}.s3.{}.amazonaws.com", account.bucket, account.region),
            },
            Shape::Page => object! { "maxResults" => random.pick(&[20i64, 50, 100]).copied().unwrap_or(50) },
            Shape::RoleName => object! { "roleName" => &account.deploy_role.name },
            Shape::Parameter => object! {
                "name" => format!("/{}/{}", account.environment, random.word(&["api/url", "db/host", "flags", "queue"])),
                "withDecryption" => true,
            },
            Shape::Secret => {
                object! { "secretId" => format!("{}/{}", account.environment, random.word(&["db", "mail", "api"])) }
            }
            Shape::Ciphertext => object! { "encryptionAlgorithm" => "SYMMETRIC_DEFAULT" },
            Shape::DataKey => object! { "keyId" => &account.key, "keySpec" => "AES_256" },
            Shape::LogGroup => object! { "logGroupName" => format!("/app/{}", account.environment) },
            Shape::Function => object! { "functionName" => format!("{}-api", account.environment) },
            Shape::Trail => object! { "name" => &account.trail },
            Shape::Table => object! { "tableName" => format!("{}-orders", account.environment) },
        };
        match shape {
            Shape::Ciphertext | Shape::DataKey => {
                let arn = format!("arn:aws:kms:{}:{}:key/{}", account.region, account.id, account.key);
                call.resource(arn, &account.id, "AWS::KMS::Key")
            }
            Shape::Bucket => {
                call.additional = object! {
                    "SignatureVersion" => "SigV4",
                    "CipherSuite" => "TLS_AES_128_GCM_SHA256",
                    "bytesTransferredIn" => 0,
                    "AuthenticationMethod" => "AuthHeader",
                    "bytesTransferredOut" => i64::try_from(random.between(100, 3000)).unwrap_or(0),
                };
                call.resource(format!("arn:aws:s3:::{}", account.bucket), &account.id, "AWS::S3::Bucket")
            }
            _ => call,
        }
    }

    /// What the same call answers where the thing isn't there: an error, and no denial.
    pub(crate) fn missing(self, call: Call) -> Call {
        match self.1 {
            "GetBucketPolicy" => call.failed("NoSuchBucketPolicy", "The bucket policy does not exist".to_owned()),
            "GetBucketTagging" => call.failed("NoSuchTagSet", "The TagSet does not exist".to_owned()),
            "GetRole" => call.failed("NoSuchEntityException", "The role with name deploy cannot be found.".to_owned()),
            "DescribeDBInstances" => call.failed("DBInstanceNotFoundFault", "DBInstance orders not found.".to_owned()),
            _ => call,
        }
    }
}
