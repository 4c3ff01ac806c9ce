/** How long a session lives without being used, and with it the cookie that keeps it: in seconds. */
export const idleLifetime = 30 * 24 * 60 * 60;
