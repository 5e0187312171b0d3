/** Whether nobody but this machine can reach a host of this name, or of this address. */
export const isLoopback = (host: string): boolean => /^(localhost|::1|\[::1\]|127(\.\d{1,3}){3})$/.test(host);
