// Every page is a file that holds no data: the browser asks for it, with the session's cookie.
export const ssr = false;
export const prerender = true;
export const trailingSlash = "never";
