import * as z from 'zod';

export const int32 = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum).meta({ format: 'int32' });
