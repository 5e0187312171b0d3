/** Where files come from: one of these for each path. */
export const FILE_SOURCES = ['configMap', 'secret', 'emptyDir', 'image'] as const;
