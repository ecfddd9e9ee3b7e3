# Draws sweep-labels.svg and sweep-labels.png from sweep-labels.csv: run `gnuplot sweep-labels.gp` in this folder.
reset
set encoding utf8
set datafile separator ','
set datafile columnheaders
set border 3 linecolor rgb '#666666' linewidth 1
set tics nomirror out scale 0.5 textcolor rgb '#333333'
set grid ytics linetype 1 linecolor rgb '#E4E4E4' linewidth 0.8
set title '' textcolor rgb '#333333'
unset title
set errorbars 0.5
set key at screen 0.5, screen 0.01 center bottom vertical Left \
  reverse maxrows 2 samplen 3

do for [format in 'svg png'] {
  if (format eq 'svg') {
    set terminal svg noenhanced size 1100,470 font 'sans-serif,14' \
      background rgb 'white'
    set title font ',16'
    set xtics font ',13'
    dot = 0.8
    small = ',12'
  } else {  # twice the pixels; points of 4/3 pixels
    set terminal pngcairo noenhanced size 2200,940 font 'sans-serif,10.5' \
      fontscale 2 linewidth 2 pointscale 2 dashlength 1.5 \
      background rgb 'white'
    set title font ',12'
    set xtics font ',9.75'
    dot = 1.25
    small = ',9'
  }
  set output 'sweep-labels.'.format
  set title font (format eq 'svg' ? ',14' : ',10.5')
  set multiplot title 'What labels cost' font ',15' textcolor rgb '#333333'

  set lmargin at screen 0.0818
  set rmargin at screen 0.3442
  set bmargin at screen 0.2511
  set tmargin at screen 0.8426
  set title 'ant-v5' offset 0,-0.6 textcolor rgb '#333333'
  set xlabel 'Expert labels'
  set ylabel 'Return (% of the expert)'
  set logscale x 10
  set xrange [487.381:69764.8]
  set xtics ('500' 500, '1k' 1000, '2k' 2000, '5k' 5000, '10k' 10000, '20k' 20000, '50k' 50000)
  set yrange [-16.0240401956:119.487756547]
set ytics ('0' 0, '25' 25, '50' 50, '75' 75, '100' 100)
  plot 90 with lines linecolor rgb '#0072B2' linewidth 1.5 dashtype (2,4) title '90 % of the expert', \
    'sweep-labels.csv' using (strcol('kind') eq 'need' && column('panel') == 0 ? column('labels') : NaN):'value' \
      with points linecolor rgb '#333333' linewidth 1.5 pointtype 4 pointsize 1.5 * dot title 'first reached', \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 0 ? column('labels') * 0.94 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 0 ? column('labels') * 0.94 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 6 pointsize 0.9 * dot notitle, \
    NaN with linespoints linecolor rgb '#D55E00' linewidth 1.8 dashtype (6,4) pointtype 6 pointsize 0.9 * dot title 'BC, 100 epochs', \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 1 ? column('labels') * 0.98 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype 1 notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 1 ? column('labels') * 0.98 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 7 pointsize 0.9 * dot notitle, \
    NaN with linespoints linecolor rgb '#D55E00' linewidth 1.8 dashtype 1 pointtype 7 pointsize 0.9 * dot title 'BC, converged', \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 2 ? column('labels') * 1.02 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 2 ? column('labels') * 1.02 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 8 pointsize 0.9 * dot notitle, \
    NaN with linespoints linecolor rgb '#7A1F7A' linewidth 1.8 dashtype (6,4) pointtype 8 pointsize 0.9 * dot title 'DAgger, 100 epochs', \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 3 ? column('labels') * 1.06 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype 1 notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 3 ? column('labels') * 1.06 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 9 pointsize 0.9 * dot notitle, \
    NaN with linespoints linecolor rgb '#7A1F7A' linewidth 1.8 dashtype 1 pointtype 9 pointsize 0.9 * dot title 'DAgger, converged'

  set lmargin at screen 0.4006
  set rmargin at screen 0.6630
  set bmargin at screen 0.2511
  set tmargin at screen 0.8426
  set title 'ant-v5, sampled' offset 0,-0.6 textcolor rgb '#333333'
  set xlabel 'Expert labels'
  set ylabel ''
  set logscale x 10
  set xrange [487.381:69764.8]
  set xtics ('500' 500, '1k' 1000, '2k' 2000, '5k' 5000, '10k' 10000, '20k' 20000, '50k' 50000)
  set yrange [-16.0240401956:119.487756547]
set ytics ('0' 0, '25' 25, '50' 50, '75' 75, '100' 100)
  plot 90 with lines linecolor rgb '#0072B2' linewidth 1.5 dashtype (2,4) notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'need' && column('panel') == 1 ? column('labels') : NaN):'value' \
      with points linecolor rgb '#333333' linewidth 1.5 pointtype 4 pointsize 1.5 * dot notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 0 ? column('labels') * 0.94 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 0 ? column('labels') * 0.94 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 6 pointsize 0.9 * dot notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 1 ? column('labels') * 0.98 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype 1 notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 1 ? column('labels') * 0.98 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 7 pointsize 0.9 * dot notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 2 ? column('labels') * 1.02 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 2 ? column('labels') * 1.02 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 8 pointsize 0.9 * dot notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 3 ? column('labels') * 1.06 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype 1 notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 3 ? column('labels') * 1.06 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 9 pointsize 0.9 * dot notitle

  set lmargin at screen 0.7194
  set rmargin at screen 0.9818
  set bmargin at screen 0.2511
  set tmargin at screen 0.8426
  set title 'ant-v5-medium' offset 0,-0.6 textcolor rgb '#333333'
  set xlabel 'Expert labels'
  set ylabel ''
  set logscale x 10
  set xrange [487.381:69764.8]
  set xtics ('500' 500, '1k' 1000, '2k' 2000, '5k' 5000, '10k' 10000, '20k' 20000, '50k' 50000)
  set yrange [-16.0240401956:119.487756547]
set ytics ('0' 0, '25' 25, '50' 50, '75' 75, '100' 100)
  plot 90 with lines linecolor rgb '#0072B2' linewidth 1.5 dashtype (2,4) notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'need' && column('panel') == 2 ? column('labels') : NaN):'value' \
      with points linecolor rgb '#333333' linewidth 1.5 pointtype 4 pointsize 1.5 * dot notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 0 ? column('labels') * 0.94 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 0 ? column('labels') * 0.94 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 6 pointsize 0.9 * dot notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 1 ? column('labels') * 0.98 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype 1 notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 1 ? column('labels') * 0.98 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 7 pointsize 0.9 * dot notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 2 ? column('labels') * 1.02 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 2 ? column('labels') * 1.02 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 8 pointsize 0.9 * dot notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 3 ? column('labels') * 1.06 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype 1 notitle, \
    'sweep-labels.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 3 ? column('labels') * 1.06 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 9 pointsize 0.9 * dot notitle
  unset multiplot

  set output
}
