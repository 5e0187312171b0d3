/** Name of the container's port. The Service and the routes use it, so they do not change with its number. */
export const PORT_NAME = 'http';
