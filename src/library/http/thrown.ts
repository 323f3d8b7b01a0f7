// Where the errors of a request are told, for frameworks that hand them to somebody else than the middleware.

export const errorHolder = new WeakMap<object, (error: unknown) => void>();
