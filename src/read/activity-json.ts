// What people and sessions did as it is shown: the same for REST, the typed client and the command line.
import { isoTime } from "../event/json.ts";
import type { Activity, ActivityQuestion, SubjectActivity } from "../stores/activity.ts";

export function usersJson(activity: Activity, question: ActivityQuestion) {
  return {
    ...headOf(activity, question),
    total_users: activity.total,
    users: activity.subjects.map((user) => ({
      user_id: user.subject,
      ...sumsOf(user),
      unique_sessions: user.others.length,
      ...(question.bucketMs === null
        ? {}
        : {
            buckets: user.buckets.map(({ from, requests, failed, totalTokens, costMicros }) => ({
              from: isoTime(from),
              requests,
              failed,
              total_tokens: totalTokens,
              cost_micros: costMicros,
            })),
          }),
    })),
  };
}

export function sessionsJson(activity: Activity, question: ActivityQuestion) {
  return {
    ...headOf(activity, question),
    total_sessions: activity.total,
    sessions: activity.subjects.map((session) => ({
      session_id: session.subject,
      user_ids: session.others.toSorted(),
      ...sumsOf(session),
    })),
  };
}

export type UsersJson = ReturnType<typeof usersJson>;
export type SessionsJson = ReturnType<typeof sessionsJson>;

function headOf({ lookedBackTo }: Activity, { filter: { since, until } }: ActivityQuestion) {
  return {
    since: isoTime(since),
    until: isoTime(until),
    looked_back_to: lookedBackTo === null ? null : isoTime(lookedBackTo),
  };
}

function sumsOf(subject: SubjectActivity) {
  const { requests, failed, firstAt, lastAt } = subject;
  return {
    requests,
    succeeded: requests - failed,
    failed,
    by_kind: subject.byKind,
    quota_violations: subject.quotaViolations,
    first_activity: firstAt === null ? null : isoTime(firstAt),
    last_activity: lastAt === null ? null : isoTime(lastAt),
    mean_ms: subject.meanMs,
    p95_ms: subject.p95Ms,
    prompt_tokens: subject.promptTokens,
    completion_tokens: subject.completionTokens,
    total_tokens: subject.totalTokens,
    cached_tokens: subject.cachedTokens,
    cost_micros: subject.costMicros,
    top_endpoints: subject.topEndpoints.map(({ value, requests: times }) => ({
      endpoint: value,
      requests: times,
    })),
  };
}
