const FULL = /ENOSPC|EDQUOT|no space left on device|disk quota exceeded/i;

/** Whether an error of Node, or the end of a program's log, says that a disk or a quota is full. */
export const isFullDisk = (text: string): boolean => FULL.test(text);
