// Line icons of the staff pages, on the same 20 × 20 grid as $lib/ui/icons.
export const inbox = 'M3 11.5h3.5l1 2h5l1-2H17M5 4h10l2 7.5V15a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-3.5z';
export const people =
  'M4.75 7a2.75 2.75 0 1 0 5.5 0a2.75 2.75 0 1 0-5.5 0M2.5 16c0-2.8 2.2-4.5 5-4.5s5 1.7 5 4.5M13 4.4a2.7 2.7 0 0 1 0 5.2M14.6 11.8c1.8.6 2.9 2.1 2.9 4.2';
export const flows =
  'M3 4.75a2 2 0 1 0 4 0a2 2 0 1 0-4 0M3 15.25a2 2 0 1 0 4 0a2 2 0 1 0-4 0M13 10a2 2 0 1 0 4 0a2 2 0 1 0-4 0M5 6.75v6.5M5 7.5c0 2 1.5 2.5 4 2.5h4';
export const pulse = 'M2.5 10.5H6L8 5l3.5 10 2-4.5h4';
export const code = 'm7 6-4 4 4 4M13 6l4 4-4 4';
export const menu = 'M3.5 6h13M3.5 10h13M3.5 14h13';
export const mail =
  'M4 5h12a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM3.2 6.2 10 11l6.8-4.8';
export const plus = 'M10 4v12M4 10h12';
export const speech =
  'M4.5 4.5h11a1 1 0 0 1 1 1V12a1 1 0 0 1-1 1H9.25L6 16v-3H4.5a1 1 0 0 1-1-1V5.5a1 1 0 0 1 1-1z';
export const plane = 'M17 3 8.5 11.5M17 3l-5 14-3.5-5.5L3 8z';
export const shield = 'm10 3 6 2v4.5c0 3.6-2.4 6.2-6 7.5-3.6-1.3-6-3.9-6-7.5V5z';
export const enter = 'M11 4h4.5a.5.5 0 0 1 .5.5v11a.5.5 0 0 1-.5.5H11M3.5 10h8M8.5 7l3 3-3 3';
export const clock = 'M3.25 10a6.75 6.75 0 1 0 13.5 0a6.75 6.75 0 1 0-13.5 0M10 6.25V10l2.5 2';
export const key = 'M4 13a3 3 0 1 0 6 0a3 3 0 1 0-6 0M9.1 10.9 16 4M13 7l2.5 2.5';
export const pen = 'm4 16 .8-3.2L13.5 4a1.4 1.4 0 0 1 2 0l.5.5a1.4 1.4 0 0 1 0 2L7.2 15.2z';
export const gear = 'M7 5.5h10M7 10h10M7 14.5h10M3.5 5.5h.01M3.5 10h.01M3.5 14.5h.01';
export const database =
  'M4 5.5C4 4.1 6.7 3 10 3s6 1.1 6 2.5S13.3 8 10 8 4 6.9 4 5.5zM4 5.5v9C4 15.9 6.7 17 10 17s6-1.1 6-2.5v-9M4 10c0 1.4 2.7 2.5 6 2.5s6-1.1 6-2.5';
export const server =
  'M4.5 4h11a1 1 0 0 1 1 1v3a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM4.5 11h11a1 1 0 0 1 1 1v3a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-3a1 1 0 0 1 1-1zM6.5 6.5h.01M6.5 13.5h.01';
