/** Time series, and which alerts fire at a moment of it. */
export interface Story {
  /** What happens. */
  what: string;
  /** Chart values, as `--set` takes them. */
  values?: readonly string[];
  /** How often there is a value, and a look at the rules: each minute unless told. */
  everyMinutes?: number;
  /** In promtool's notation; in place of those of a healthy installation, or beside them. */
  series?: Readonly<Record<string, string>>;
  /** By the minute that is looked at. */
  at: Readonly<Record<string, readonly Firing[]>>;
}

/** An alert that fires, with the labels beside its severity and the summary that a person reads. */
export interface Firing {
  alert: string;
  severity: "critical" | "warning" | "info";
  labels?: Readonly<Record<string, string>>;
  summary: string;
}

const JOB = 'job="kthena-ascend-metrics"';
const A = `${JOB},pod="a",instance="1:9090"`;
const B = `${JOB},pod="b",instance="2:9090"`;
const API = 'job="apiserver",instance="3:6443"';
const ALWAYS = (value: number) => `${value}x200`;
const DAY = 86_400;

const ready = (of: string) => `kthena_ascend_ready{${of}}`;
const reviews = (outcome: string) =>
  `kthena_ascend_reviews_total{${A},path="/mutate",kind="Pod",operation="CREATE",outcome="${outcome}"}`;
const bucket = (le: string) => `kthena_ascend_review_duration_seconds_bucket{${A},path="/mutate",le="${le}"}`;
const shed = (what: string) => `kthena_ascend_shed_total{${A},what="${what}"}`;
const expiry = (which: string) => `kthena_ascend_certificate_expiry_seconds{${A},which="${which}"}`;
const valid = (namespace: string) => `kthena_ascend_defaults_valid{${A},namespace="${namespace}"}`;
const leads = (of: string) => `kthena_ascend_leader{${of},lease="certs"}`;
const age = (of: string) => `kthena_ascend_informer_contact_age_seconds{${of},resource="pods"}`;
const lag = (of: string) => `nodejs_eventloop_lag_p99_seconds{${of}}`;
const unreadable = (of: string) => `kthena_ascend_unreadable_objects{${of},resource="modelservings"}`;
const condition = (type: string, status: string) =>
  `kthena_ascend_condition{${A},type="${type}",status="${status}"}`;
const remarked = (reason: string, kind = "modelservings") =>
  `kthena_ascend_${kind}_remarked{${A},reason="${reason}"}`;
const rejections = (error: string, name = "mutate.pods.kthena-ascend.io") =>
  `apiserver_admission_webhook_rejection_count{${API},name="${name}",error_type="${error}"}`;
const passed = `apiserver_admission_webhook_fail_open_count{${API},name="mutate.pods.kthena-ascend.io"}`;

/** Two replicas that are well, one of which leads; people's mistakes are refused. */
export const HEALTHY: Readonly<Record<string, string>> = {
  [ready(A)]: ALWAYS(1),
  [ready(B)]: ALWAYS(1),
  [leads(A)]: ALWAYS(1),
  [leads(B)]: ALWAYS(0),
  [reviews("refused")]: "0+3x200",
  [reviews("failed")]: ALWAYS(0),
  [bucket("1")]: "0+99.5x200",
  [bucket("2.5")]: "0+100x200",
  [bucket("+Inf")]: "0+100x200",
  [shed("body")]: ALWAYS(0),
  [expiry("leaf")]: ALWAYS(90 * DAY),
  [expiry("ca")]: ALWAYS(3650 * DAY),
  [valid("")]: ALWAYS(1),
  [valid("team")]: ALWAYS(1),
  [age(A)]: ALWAYS(60),
  [age(B)]: ALWAYS(60),
  [lag(A)]: ALWAYS(0.02),
  [lag(B)]: ALWAYS(0.02),
  [unreadable(A)]: ALWAYS(0),
  [condition("Failed", "False")]: ALWAYS(7),
  [condition("Active", "True")]: ALWAYS(7),
  [rejections("no_error")]: "0+1x200",
  [rejections("calling_webhook_error", "other.example.com")]: "0+1x200",
  [`up{${API}}`]: ALWAYS(1),
};

const AWAY: Firing = {
  alert: "KthenaAscendAway",
  severity: "critical",
  summary: "No replica of kthena-ascend is Ready",
};
const CALLS: Firing = {
  alert: "KthenaAscendCallsFail",
  severity: "critical",
  summary: "API servers cannot call kthena-ascend",
};
const warning = (alert: string, labels: Record<string, string>, summary: string): Firing => ({
  alert: `KthenaAscend${alert}`,
  severity: "warning",
  labels,
  summary,
});
const notReady = (pod: string, instance: string): Firing =>
  warning(
    "ReplicaNotReady",
    { job: "kthena-ascend-metrics", pod, instance },
    `${pod} has not been Ready for 10 minutes`,
  );
const expires = (which: string, left: string): Firing => ({
  alert: "KthenaAscendCertificateExpires",
  severity: "critical",
  labels: { which },
  summary: `The ${which} certificate of kthena-ascend expires in ${left}`,
});

/** From 0 to 1 at minute 20, and there until the end. */
const ONCE = "0x19 1x150";
/** Not there before minute 20. */
const BORN = "_x19 1x150";

export const STORIES: readonly Story[] = [
  { what: "all is well", at: { 0: [], 15: [], 90: [] } },
  {
    what: "no replica is Ready from minute 20 on",
    series: { [ready(A)]: "1x19 0x99", [ready(B)]: "1x19 0x99" },
    at: { 21: [], 23: [AWAY], 29: [AWAY], 31: [AWAY, notReady("a", "1:9090"), notReady("b", "2:9090")] },
  },
  {
    what: "no replica is there any more",
    series: { [ready(A)]: "1x19 stale", [ready(B)]: "1x19 stale" },
    at: { 21: [], 23: [AWAY] },
  },
  {
    what: "another release is Ready",
    series: {
      [ready(A)]: ALWAYS(0),
      [ready(B)]: ALWAYS(0),
      'kthena_ascend_ready{job="other-metrics"}': ALWAYS(1),
    },
    at: { 5: [AWAY] },
  },
  {
    what: "one replica is not Ready",
    series: { [ready(B)]: ALWAYS(0) },
    at: { 9: [], 10: [notReady("b", "2:9090")] },
  },
  ...Object.entries({
    "calls fail all the time": { [rejections("calling_webhook_error")]: "0+1x99" },
    "calls fail once more": { [rejections("apiserver_internal_error")]: ONCE },
    "calls fail for the first time": { [rejections("calling_webhook_error")]: BORN },
    "calls pass without it once more": { [passed]: ONCE },
    "calls pass without it for the first time": { [passed]: BORN },
  }).map(([what, series]): Story => ({ what, series, at: { 26: [CALLS] } })),
  {
    what: "calls failed half an hour ago",
    series: { [rejections("calling_webhook_error")]: BORN, [passed]: ONCE },
    at: { 19: [], 22: [], 50: [] },
  },
  {
    what: "calls failed before Prometheus began to look",
    series: { [rejections("calling_webhook_error")]: "7x99", [passed]: "7x99", [`up{${API}}`]: "1x99" },
    at: { 6: [], 9: [], 20: [] },
  },
  {
    what: "one review fails",
    series: { [reviews("failed")]: ONCE, [reviews("unreadable")]: ONCE },
    at: {
      19: [],
      21: ["failed", "unreadable"].map((outcome) =>
        warning("ReviewsFail", { path: "/mutate", outcome }, `Reviews on /mutate end with ${outcome}`),
      ),
      40: [],
    },
  },
  {
    what: "two in a hundred reviews are slow",
    series: { [bucket("1")]: "0+98x99" },
    at: {
      9: [],
      25: [
        warning("ReviewsSlow", { path: "/mutate" }, "1 in 100 reviews on /mutate takes more than a second"),
      ],
    },
  },
  {
    what: "the event loop of one replica is held up",
    series: { [lag(B)]: "0.02x19 1.5x99" },
    at: {
      25: [],
      31: [warning("EventLoopHeldUp", { pod: "b" }, "b answers nobody for 1.5s at a time")],
    },
  },
  {
    what: "requests are given up, and have been for a while",
    series: { [shed("body")]: "0x19 0+5x99" },
    at: {
      25: [],
      40: [warning("Sheds", { what: "body" }, "kthena-ascend gives up requests (body)")],
    },
  },
  {
    what: "two objects cannot be read",
    series: { [unreadable(A)]: "0x19 2x99", [unreadable(B)]: "0x19 2x99" },
    at: {
      30: [],
      36: [
        warning(
          "ObjectsUnreadable",
          { resource: "modelservings" },
          "2 objects of modelservings cannot be read",
        ),
      ],
    },
  },
  {
    what: "certificates are managed, and one day is left until they should long have been renewed",
    series: { [expiry("leaf")]: ALWAYS(19 * DAY), [expiry("ca")]: ALWAYS(458 * DAY) },
    at: { 60: [], 70: [] },
  },
  {
    what: "managed certificates are late",
    series: { [expiry("leaf")]: ALWAYS(17 * DAY), [expiry("ca")]: ALWAYS(455 * DAY) },
    at: { 59: [], 60: [expires("leaf", "16d 23h 0m 0s"), expires("ca", "454d 23h 0m 0s")] },
  },
  {
    what: "a certificate out of files ends in less than two weeks",
    values: [
      "certificates.mode=files",
      "certificates.files.secretName=mine",
      "certificates.files.caBundle=-----BEGIN CERTIFICATE-----",
    ],
    series: { [expiry("leaf")]: ALWAYS(13 * DAY) },
    at: { 59: [], 60: [expires("leaf", "12d 23h 0m 0s")] },
  },
  {
    what: "a certificate out of files ends in more",
    values: [
      "certificates.mode=files",
      "certificates.files.secretName=mine",
      "certificates.files.caBundle=-----BEGIN CERTIFICATE-----",
    ],
    series: { [expiry("leaf")]: ALWAYS(16 * DAY) },
    at: { 60: [] },
  },
  {
    what: "cert-manager does not renew",
    values: ["certificates.mode=certManager"],
    series: { [expiry("leaf")]: ALWAYS(17 * DAY) },
    at: { 60: [expires("leaf", "16d 23h 0m 0s")] },
  },
  {
    what: "two defaults documents are wrong",
    series: { [valid("")]: "1x19 0x99", [valid("team")]: "1x19 0x99" },
    at: {
      23: [],
      25: [
        warning("DefaultsInvalid", {}, "A defaults document is wrong (the cluster's)"),
        warning("DefaultsInvalid", { namespace: "team" }, "A defaults document is wrong (namespace team)"),
      ],
    },
  },
  {
    what: "one replica hears nothing of pods",
    series: { [age(B)]: "60x19 120+60x99" },
    at: {
      26: [],
      29: [warning("OutOfTouch", { pod: "b", resource: "pods" }, "b hears nothing about pods")],
    },
  },
  {
    what: "nobody holds a Lease",
    series: { [leads(A)]: "1x19 0x99" },
    at: { 24: [], 25: [warning("NobodyLeads", { lease: "certs" }, "No replica holds the Lease for certs")] },
  },
  {
    what: "the Lease goes to another replica",
    series: { [leads(A)]: "1x19 0x99", [leads(B)]: "0x21 1x99" },
    at: { 21: [], 26: [], 40: [] },
  },
  {
    what: "ModelBoosters have failed",
    series: { [condition("Failed", "True")]: "0x19 2x99" },
    at: { 30: [], 36: [warning("ModelBoostersFailed", {}, "2 ModelBoosters have failed")] },
  },
  {
    what: "ModelServings need attention",
    series: { [remarked("NotRouted")]: "0x19 3x99" },
    at: {
      30: [],
      36: [
        warning(
          "ModelServingsNeedAttention",
          { reason: "NotRouted" },
          "3 ModelServings need attention (NotRouted)",
        ),
      ],
    },
  },
  {
    what: "a ModelBooster needs attention",
    series: { [remarked("InjectionSkipped", "modelboosters")]: "0x19 1x99" },
    at: {
      30: [],
      36: [
        warning(
          "ModelBoostersNeedAttention",
          { reason: "InjectionSkipped" },
          "1 ModelBoosters need attention (InjectionSkipped)",
        ),
      ],
    },
  },
  {
    what: "ModelServings keep older defaults for a day and longer",
    series: { [remarked("OlderDefaults")]: "0x19 4x150" },
    everyMinutes: 10,
    at: {
      60: [],
      1600: [],
      1650: [
        {
          alert: "KthenaAscendOlderDefaults",
          severity: "info",
          summary: "4 ModelServings keep other defaults than today's",
        },
      ],
    },
  },
];
