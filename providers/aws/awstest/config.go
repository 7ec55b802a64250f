package awstest

import "time"

// Config is what a fake does. The functions given to [New] and [NewHandler]
// change it after its defaults are set, so a field that they leave alone has
// the value that its comment names.
type Config struct {
	// Region is where the fake says that it is: us-east-1. Requests whose
	// credential scope names another region are refused.
	Region string
	// Account owns the secrets that the default key makes: 111122223333.
	Account string
	// Keys are the access keys that the fake knows, one for Account unless set.
	// A key of another account makes and reads secrets there.
	Keys []Key
	// Auth is how much of a request's signature is checked: everything.
	Auth AuthMode
	// AuthClock is what signatures, session tokens and the Date header are held
	// to: time.Now. It is apart from Clock because an SDK signs by the real time,
	// whatever time a test plays.
	AuthClock func() time.Time
	// MaxSkew is how far a signature's time may be from AuthClock: 5 minutes.
	MaxSkew time.Duration

	// Clock is the time of all that the service keeps: creation, deletion,
	// the 24 hours of the version quota, lags. time.Now, or a [Clock]'s Now.
	Clock func() time.Time

	// Authorize decides about each action on each secret, after the rules of
	// [Server.Deny]: nil allows everything. It is called with the fake locked,
	// so it must not call the fake.
	Authorize func(Access) bool

	// ReadLag is how old the state is that GetSecretValue, BatchGetSecretValue,
	// DescribeSecret and ListSecretVersionIds see, on Clock: 0, the newest. All
	// of the service is eventually consistent, as the reference of ListSecrets
	// says. Writes always check the newest state, and the end of a deleted secret
	// is seen at once. See also [Server.SetLag].
	ReadLag time.Duration
	// ListLag is the same for ListSecrets, and for the filters of
	// BatchGetSecretValue: 0. The reference names five minutes.
	ListLag time.Duration

	// ForceDeleteDelay is how long ForceDeleteWithoutRecovery takes on Clock, as
	// it is an asynchronous process: 50 ms. Until then the name is taken.
	ForceDeleteDelay time.Duration
	// DeleteAgain takes a second deletion of a secret that is scheduled for one
	// for done, with the date of the first. Without it that is InvalidRequestException.
	// The page of DeleteSecret tells neither, and the stand-ins differ.
	DeleteAgain bool
	// SecretQuota is how many secrets fit in an account and region: 500,000.
	SecretQuota int
	// VersionQuota is how many versions fit in a secret: 100. Versions without
	// labels and older than 24 hours make room.
	VersionQuota int
	// LabelQuota is how many staging labels fit in a secret, over all its
	// versions: 20.
	LabelQuota int
	// BatchAnswerBytes is how many bytes of values fit in one answer of
	// BatchGetSecretValue before NextToken takes over: 1 MiB. The reference says
	// that answers are cut short, but not where. One value always fits.
	BatchAnswerBytes int

	// ConstraintCode is the error code of a parameter that breaks a length,
	// range or pattern of the API's model: ValidationException, as the service
	// answers by report. The operations' own pages list InvalidParameterException.
	ConstraintCode string
	// FirstPutKeepsStages lets the first PutSecretValue of a secret without a
	// value attach the labels of VersionStages only. By the page of PutSecretValue
	// the first version gets AWSCURRENT "automatically"; the stand-ins differed
	// for years (getmoto/moto#9451, #9488), and so do reports.
	FirstPutKeepsStages bool

	// IgnoreDefaultStage answers a read that names neither version nor stage
	// from the newest version, whatever its labels: getmoto/moto#4851 tells of a
	// default version that every put became.
	IgnoreDefaultStage bool
	// IgnoreRemoveFrom moves a label whatever RemoveFromVersionId says, as
	// reported in localstack/localstack#5299.
	IgnoreRemoveFrom bool
	// IgnoreClientRequestToken makes versions under the fake's own ids and
	// never compares a token with what exists: localstack/localstack#5299 and
	// what getmoto/moto#4851 mended.
	IgnoreClientRequestToken bool
	// PutWhileDeleted takes PutSecretValue on a secret that is scheduled for
	// deletion, which stays scheduled, so that nobody can read the value: moto
	// 5.2.3 does. The service answers InvalidRequestException.
	PutWhileDeleted bool
	// NoBatch answers BatchGetSecretValue with 501 InternalFailure, as
	// localstack/localstack#10661 has it.
	NoBatch bool
	// NoVersionQuota neither prunes versions nor counts them, as in
	// BlackbirdWorks/gopherstack#663.
	NoVersionQuota bool
	// DropUnlabelled removes a version with its last label, at once, which is what
	// localstack/localstack#10086 is about. Lenient leaves it off.
	DropUnlabelled bool
}

func defaults() Config {
	return Config{
		Region:           "us-east-1",
		Account:          "111122223333",
		AuthClock:        time.Now,
		MaxSkew:          5 * time.Minute,
		Clock:            time.Now,
		ForceDeleteDelay: 50 * time.Millisecond,
		SecretQuota:      500_000,
		VersionQuota:     100,
		LabelQuota:       20,
		BatchAnswerBytes: 1 << 20,
		ConstraintCode:   "ValidationException",
	}
}

// Lenient is the second personality, for [New] and [NewHandler]: it deviates
// where stand-ins for laptops do or did. Requests need no valid signature; a read
// without a stage gets the newest version; RemoveFromVersionId and
// ClientRequestToken are ignored; a put on a deleted secret is taken; BatchGetSecretValue is not there; versions are
// neither counted nor pruned; a forced delete is done at once. The comments of
// [Config]'s fields name the sources. Fields that are set after it count.
func Lenient(c *Config) {
	c.Auth = AuthNone
	c.ForceDeleteDelay = 0
	c.FirstPutKeepsStages = true
	c.IgnoreDefaultStage = true
	c.IgnoreRemoveFrom = true
	c.IgnoreClientRequestToken = true
	c.PutWhileDeleted = true
	c.NoBatch = true
	c.NoVersionQuota = true
}
