/** Cases at which planted-child.ts misbehaves. */
export const PLANTED = { crash: 700, hang: 1600 } as const;
