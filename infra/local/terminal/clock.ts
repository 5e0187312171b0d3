/** The time of day, for a line that stays. */
export const clock = (at: Date): string => at.toTimeString().slice(0, 8);
